/** QMP's wire form (QEMU, docs/interop/qmp-spec): JSON objects, one a line. Knows bytes and shapes only. */

export interface QmpGreeting {
  readonly kind: 'greeting';
}
export interface QmpReply {
  readonly kind: 'return';
  readonly id: number | undefined;
  readonly value: unknown;
}
export interface QmpFailure {
  readonly kind: 'error';
  readonly id: number | undefined;
  readonly qmpClass: string;
  readonly description: string;
}
export interface QmpEvent {
  readonly kind: 'event';
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>>;
}
export type QmpMessage = QmpGreeting | QmpReply | QmpFailure | QmpEvent;

type JsonObject = Readonly<Record<string, unknown>>;
const objectOr = (value: unknown): JsonObject => (typeof value === 'object' && value !== null ? (value as JsonObject) : {});
const idOf = (message: JsonObject): number | undefined => (typeof message['id'] === 'number' ? message['id'] : undefined);

/** One line of QMP. @throws SyntaxError when it is not JSON; undefined for objects that QMP does not know */
export function parseQmpMessage(line: string): QmpMessage | undefined {
  const message = objectOr(JSON.parse(line));
  if ('QMP' in message) return { kind: 'greeting' };
  if ('return' in message) return { kind: 'return', id: idOf(message), value: message['return'] };
  if (typeof message['event'] === 'string') return { kind: 'event', name: message['event'], data: objectOr(message['data']) };
  if (!('error' in message)) return undefined;
  const error = objectOr(message['error']);
  return { kind: 'error', id: idOf(message), qmpClass: String(error['class']), description: String(error['desc']) };
}

/** A command as one line. */
export function formatQmpCommand(name: string, values: JsonObject | undefined, id: number): string {
  return `${JSON.stringify({ execute: name, ...(values && { arguments: values }), id })}\n`;
}

/** Longest line from QEMU, in characters: large replies have some hundred KiB. */
const MAX_LINE = 4 << 20;

/** Cuts a byte stream into lines. */
export class LineSplitter {
  #rest = '';

  /** Complete lines so far. @throws RangeError when a line does not end */
  push(text: string): string[] {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > MAX_LINE) throw new RangeError('QMP line is too long');
    return lines.map((line) => line.trim()).filter((line) => line !== '');
  }
}
