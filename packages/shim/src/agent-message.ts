/** Codec of the agent's messages that a shim uses, in protobuf's wire format (agent.proto; protobuf.dev, "Encoding"). */
import { AgentError } from '@kata-containers/common/errors/kata-error';
import { GRPC } from '@kata-containers/common/grpc/status';

const WIRE = { varint: 0, bytes: 2 };

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value >>> 0;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return [...bytes, rest];
}

/** A field of each request: its number and its value. */
export type Field = readonly [number: number, value: string | number | Buffer];

/** Encodes a message in pieces: large values are not copied. Zero and empty values are omitted, as in proto3. */
export function encodeMessage(fields: readonly Field[]): Buffer[] {
  return fields.flatMap(([number, value]) => {
    if (typeof value === 'number') return value === 0 ? [] : [Buffer.from([...varint((number << 3) | WIRE.varint), ...varint(value)])];
    const bytes = typeof value === 'string' ? Buffer.from(value) : value;
    return bytes.length === 0 ? [] : [Buffer.from([...varint((number << 3) | WIRE.bytes), ...varint(bytes.length)]), bytes];
  });
}

/** The agent's answer is not a protobuf message. */
export class MessageError extends AgentError {
  constructor() {
    super(GRPC.internal, 'the answer is not a protobuf message');
  }
}

/** Reads a varint at `offset`. @returns its low 32 bits and the offset of its end */
function readVarint(message: Buffer, offset: number): [value: number, end: number] {
  let value = 0;
  for (let index = 0; index < 10; index++) {
    const byte = message[offset + index];
    if (byte === undefined) break;
    if (index < 5) value |= (byte & 0x7f) << (index * 7);
    if (byte < 0x80) return [value, offset + index + 1];
  }
  throw new MessageError();
}

/** A field of an answer: bytes or a number; undefined for the default value. */
export function readField(message: Buffer, number: number): Buffer | number | undefined {
  let found: Buffer | number | undefined;
  for (let offset = 0; offset < message.length;) {
    const [tag, valueStart] = readVarint(message, offset);
    const [value, end] = readValue(message, tag & 7, valueStart);
    if (tag >>> 3 === number) found = value;
    offset = end;
  }
  return found;
}

const fixedLengths: Readonly<Record<number, number>> = { 1: 8, 5: 4 };

function readValue(message: Buffer, wireType: number, offset: number): [value: Buffer | number, end: number] {
  if (wireType === WIRE.varint) return readVarint(message, offset);
  const [length, start] = wireType === WIRE.bytes ? readVarint(message, offset) : [fixedLengths[wireType] ?? -1, offset];
  if (length < 0 || start + length > message.length) throw new MessageError();
  return [message.subarray(start, start + length), start + length];
}
