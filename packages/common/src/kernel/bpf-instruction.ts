/** Instructions of BPF programs, in the format of bpf(2), little endian. Pure. */

// linux/bpf_common.h, linux/bpf.h, Documentation/bpf/standardization/instruction-set.rst
export const LOAD_WORD = 0x61;
export const JUMP_IF_NOT_EQUAL = 0x55;
export const EXIT = 0x95;

interface Operands {
  /** Destination register. */
  readonly to?: number;
  /** Source register. */
  readonly from?: number;
  readonly offset?: number;
  readonly value?: number;
}

/** struct bpf_insn. Jumps count instructions from the next instruction. */
export function instruction(code: number, { to = 0, from = 0, offset = 0, value = 0 }: Operands = {}): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt8(code, 0);
  bytes.writeUInt8(to | (from << 4), 1);
  bytes.writeInt16LE(offset, 2);
  bytes.writeInt32LE(value, 4);
  return bytes;
}
