/** Parses the limits of `update`, from options or JSON. Pure. Zero means "unchanged", as in 1.x and runc. */
import { UsageError } from '@kata-containers/common/errors/kata-error';
import type { Resources } from '@kata-containers/common/oci/spec';
import { withoutNulls } from '../../bundle/exact-json.ts';
import { resourcesShape } from '../../bundle/spec-shape.ts';
import { textOption } from './verb.ts';
import type { Options } from './verb.ts';

const MAX_INT64 = 2n ** 63n - 1n;
const MAX_UINT64 = 2n ** 64n - 1n;
const sizes: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40, p: 2 ** 50 };

/** `64m`, `1.5g`, `512KiB`, `1000`: go-units' RAMInBytes. undefined for other texts. */
export function parseMemory(text: string): bigint | undefined {
  if (text === '-1') return -1n;
  const [, number, unit] = /^(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?$/i.exec(text) ?? [];
  if (number === undefined) return undefined;
  if (unit === '') return BigInt(Math.trunc(Number(number)));
  return BigInt(Math.trunc(Number(number) * (sizes[unit?.toLowerCase() ?? ''] ?? 1)));
}

type Read = (name: string, text: string) => bigint;

const memory: Read = (name, text) => {
  const bytes = parseMemory(text);
  if (bytes === undefined || bytes > MAX_INT64) throw new UsageError(`invalid value for ${name}: invalid size: '${text}'`);
  return bytes;
};

/** A number of 64 bits. */
const integer =
  (isSigned: boolean): Read =>
  (name, text) => {
    const most = isSigned ? MAX_INT64 : MAX_UINT64;
    const complain = (why: string): UsageError => new UsageError(`invalid value for ${name}: "${text}" ${why}`);
    if (!(isSigned ? /^[+-]?\d+$/ : /^\d+$/).test(text))
      throw complain(isSigned ? 'is not a whole number' : 'is not a whole number from 0');
    const value = BigInt(text.replace('+', ''));
    if (value > most || value < -MAX_INT64) throw complain(`is out of range (at most ${most})`);
    return value;
  };
const int = integer(true);
const uint = integer(false);

/** Option, its name in commander, and its parser. */
const numbers = {
  limit: ['memory', 'memory', memory],
  reservation: ['memory-reservation', 'memoryReservation', memory],
  swap: ['memory-swap', 'memorySwap', memory],
  kernel: ['kernel-memory', 'kernelMemory', memory],
  kernelTCP: ['kernel-memory-tcp', 'kernelMemoryTcp', memory],
  shares: ['cpu-share', 'cpuShare', uint],
  quota: ['cpu-quota', 'cpuQuota', int],
  period: ['cpu-period', 'cpuPeriod', uint],
  realtimeRuntime: ['cpu-rt-runtime', 'cpuRtRuntime', int],
  realtimePeriod: ['cpu-rt-period', 'cpuRtPeriod', uint],
  weight: ['blkio-weight', 'blkioWeight', int],
  pids: ['pids-limit', 'pidsLimit', int],
} as const;

/** The limits in the options. @throws UsageError */
export function resourcesOfOptions(options: Options): Resources {
  const value = (key: keyof typeof numbers): bigint => {
    const [name, kept, read] = numbers[key];
    const text = textOption(options, kept);
    return text === undefined || text === '' ? 0n : read(name, text);
  };
  const of = <K extends keyof typeof numbers>(...keys: K[]): { [key in K]: bigint } =>
    Object.fromEntries(keys.map((key) => [key, value(key)])) as { [key in K]: bigint };
  return {
    memory: of('limit', 'reservation', 'swap', 'kernel', 'kernelTCP'),
    cpu: {
      ...of('shares', 'quota', 'period', 'realtimeRuntime', 'realtimePeriod'),
      cpus: textOption(options, 'cpusetCpus') ?? '',
      mems: textOption(options, 'cpusetMems') ?? '',
    },
    blockIO: of('weight'),
    pids: { limit: value('pids') },
  };
}

/** The limits in a resources file, in the form of config.json. @throws UsageError */
export function parseResources(text: string): Resources {
  let value: unknown;
  try {
    value = JSON.parse(text, withoutNulls);
  } catch (error) {
    throw new UsageError(`the resources are not JSON (${error instanceof Error ? error.message : ''})`);
  }
  const [field, problem] = resourcesShape(value, '') ?? [];
  if (problem === undefined) return value as Resources;
  throw new UsageError(`the resources${field === '' ? '' : ` do not match the OCI specification: ${field}`} ${problem}`);
}
