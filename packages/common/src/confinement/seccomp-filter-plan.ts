/** A seccomp filter for the kernel: classic BPF over struct seccomp_data (seccomp(2), linux/filter.h). x86-64. Pure. */

export interface SyscallRule {
  /** Number of the system call on x86-64. */
  readonly call: number;
  /** Compares the low 32 bits of one argument. Without a condition every call is allowed. */
  readonly condition?: ArgumentCondition;
}

export type ArgumentCondition =
  | { readonly argument: number; readonly isOneOf: readonly number[] }
  | { readonly argument: number; readonly isNot: number }
  | { readonly argument: number; readonly hasBits: number }
  | { readonly argument: number; readonly lacksBits: number };

// linux/filter.h, linux/bpf_common.h
const LOAD_WORD = 0x20;
const JUMP_IF_EQUAL = 0x15;
const JUMP_IF_BITS = 0x45;
const RETURN = 0x06;
// linux/seccomp.h
const KILL_PROCESS = 0x80000000;
const ALLOW = 0x7fff0000;
const FAIL = 0x00050000;
// linux/audit.h
const ARCHITECTURE_X86_64 = 0xc000003e;
// struct seccomp_data
const CALL_OFFSET = 0;
const ARCHITECTURE_OFFSET = 4;
const argumentOffset = (argument: number): number => 16 + 8 * argument;

/** The C library falls back to other calls, as on a kernel that lacks the call. */
const ENOSYS = 38;
const DENY = FAIL | ENOSYS;

/** struct sock_filter. Jumps count instructions from the next one. */
function instruction(code: number, operand: number, ifTrue = 0, ifFalse = 0): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt8(ifTrue, 2);
  bytes.writeUInt8(ifFalse, 3);
  bytes.writeUInt32LE(operand >>> 0, 4);
  return bytes;
}

const allow = instruction(RETURN, ALLOW);
const deny = instruction(RETURN, DENY);

/** Tests after each of which the call is allowed: a test skips that instruction when the condition is false. */
function testsOf(condition: ArgumentCondition): Buffer[] {
  if ('hasBits' in condition) return [instruction(JUMP_IF_BITS, condition.hasBits, 0, 1)];
  if ('lacksBits' in condition) return [instruction(JUMP_IF_BITS, condition.lacksBits, 1, 0)];
  if ('isNot' in condition) return [instruction(JUMP_IF_EQUAL, condition.isNot, 1, 0)];
  return condition.isOneOf.map((value) => instruction(JUMP_IF_EQUAL, value, 0, 1));
}

const argumentTests = (condition: ArgumentCondition): Buffer[] => [
  instruction(LOAD_WORD, argumentOffset(condition.argument)),
  ...testsOf(condition).flatMap((test) => [test, allow]),
  deny,
];

/** The number of the call is in the accumulator. */
function ruleBlock({ call, condition }: SyscallRule): Buffer[] {
  const block = condition === undefined ? [allow] : argumentTests(condition);
  return [instruction(JUMP_IF_EQUAL, call, 0, block.length), ...block];
}

/** Numbers from here on are those of the x32 ABI: the same calls with other numbers (asm/unistd.h). */
const X32_BIT = 0x40000000;

/**
 * Array of struct sock_filter that makes these calls fail with ENOSYS, and the calls that do not meet the condition of their rule, and all
 * calls of the x32 ABI. All other calls are allowed, and all calls of 32-bit code.
 */
export function denyFilter(calls: readonly number[], rules: readonly SyscallRule[] = []): Buffer {
  return Buffer.concat([
    instruction(LOAD_WORD, ARCHITECTURE_OFFSET),
    instruction(JUMP_IF_EQUAL, ARCHITECTURE_X86_64, 1, 0),
    allow,
    instruction(LOAD_WORD, CALL_OFFSET),
    instruction(JUMP_IF_BITS, X32_BIT, 0, 1),
    deny,
    ...calls.flatMap((call) => [instruction(JUMP_IF_EQUAL, call, 0, 1), deny]),
    ...rules.flatMap(ruleBlock),
    allow,
  ]);
}

/** Array of struct sock_filter. Calls without a rule, and calls whose condition is false, fail with ENOSYS. */
export function allowFilter(rules: readonly SyscallRule[]): Buffer {
  return Buffer.concat([
    instruction(LOAD_WORD, ARCHITECTURE_OFFSET),
    instruction(JUMP_IF_EQUAL, ARCHITECTURE_X86_64, 1, 0),
    instruction(RETURN, KILL_PROCESS),
    instruction(LOAD_WORD, CALL_OFFSET),
    ...rules.flatMap(ruleBlock),
    deny,
  ]);
}
