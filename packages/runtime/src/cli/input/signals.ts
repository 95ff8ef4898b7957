import { constants } from 'node:os';
import { UsageError } from '@kata-containers/common/errors/kata-error';

/** First and last real-time signal, signal(7). */
const SIGRTMIN = 34;
const SIGRTMAX = 64;

/** The number of `KILL`, `SIGKILL`, `9`, `RTMIN+3`. @throws UsageError with runc's text */
export function signalNumber(text: string): number {
  const numbers: Readonly<Record<string, number>> = constants.signals;
  if (/^\d+$/.test(text)) {
    const number = Number(text);
    if (Object.values(numbers).includes(number) || (number >= SIGRTMIN && number <= SIGRTMAX)) return number;
    throw new UsageError(`unknown signal "${text}"`);
  }
  const name = text.toUpperCase().replace(/^SIG/, '');
  const [, base, offset] = /^RT(MIN|MAX)([+-]\d+)?$/.exec(name) ?? [];
  if (base !== undefined) return signalNumber(String((base === 'MIN' ? SIGRTMIN : SIGRTMAX) + Number(offset ?? 0)));
  const number = name === 'CLD' ? constants.signals.SIGCHLD : numbers[`SIG${name}`];
  if (number === undefined) throw new UsageError(`unknown signal "${text}": a signal is TERM, SIGTERM or 15, for example`);
  return number;
}
