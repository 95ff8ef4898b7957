/** Checks that a message of the guest is a DNS query (RFC 1035, section 4; RFC 6891 for EDNS). Pure. */

const HEADER_BYTES = 12;
const MAX_LABEL = 63;
/** Longest name, including its length bytes and the final zero. */
const MAX_NAME = 255;
const TYPE_OPT = 41;
/** Name, type, class, TTL and length of a resource record with the root as its name. */
const OPT_HEADER_BYTES = 11;
/** The QR and Opcode bits: both are zero in a standard query. */
const QR_AND_OPCODE = 0xf800;

/** Offset after the name at `offset`, or undefined when it is malformed. A pointer is malformed: a query has no earlier name. */
function endOfName(message: Buffer, offset: number): number | undefined {
  let end = offset;
  for (;;) {
    const length = message[end];
    if (length === undefined || length > MAX_LABEL) return undefined;
    end += 1 + length;
    if (end - offset > MAX_NAME || end > message.length) return undefined;
    if (length === 0) return end;
  }
}

/** Offset after an OPT record, the only record that a query may have. */
function endOfOptions(message: Buffer, offset: number): number | undefined {
  if (message.length - offset < OPT_HEADER_BYTES || message[offset] !== 0) return undefined;
  if (message.readUInt16BE(offset + 1) !== TYPE_OPT) return undefined;
  return offset + OPT_HEADER_BYTES + message.readUInt16BE(offset + OPT_HEADER_BYTES - 2);
}

/** True for a standard query with one question, at most an OPT record, and no further bytes. */
export function isQuery(message: Buffer): boolean {
  if (message.length < HEADER_BYTES) return false;
  const [flags, questions, answers, authorities, additional] = [2, 4, 6, 8, 10].map((offset) => message.readUInt16BE(offset));
  if (((flags ?? 0) & QR_AND_OPCODE) !== 0 || questions !== 1 || answers !== 0 || authorities !== 0) return false;
  const name = endOfName(message, HEADER_BYTES);
  if (name === undefined || message.length - name < 4) return false;
  const question = name + 4; // type and class
  if (additional === 0) return message.length === question;
  return additional === 1 && endOfOptions(message, question) === message.length;
}
