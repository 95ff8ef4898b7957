import { closeSync, openSync } from 'node:fs';
import { bind, check } from './ffi.ts';
import type { ClockCalls } from './kernel.ts';

const libc = bind({ ioctl: ['int32', 'uint64', 'pointer'], settimeofday: ['pointer', 'pointer'] });

// random(4)
const RNDADDENTROPY = 0x40085203n;
const RNDRESEEDCRNG = 0x5207n;

/** settimeofday(2), random(4). */
export const clockCalls: ClockCalls = {
  setTime(seconds, microseconds) {
    const time = Buffer.alloc(16); // struct timeval
    time.writeBigInt64LE(seconds, 0);
    time.writeBigInt64LE(microseconds, 8);
    check(libc.settimeofday(time, null), 'settimeofday', '');
  },
  addEntropy(data) {
    const random = openSync('/dev/random', 'w');
    try {
      const info = Buffer.alloc(8 + data.length); // struct rand_pool_info: entropy_count in bits, buf_size, buf
      info.writeInt32LE(data.length * 8, 0);
      info.writeInt32LE(data.length, 4);
      data.copy(info, 8);
      check(libc.ioctl(random, RNDADDENTROPY, info), 'ioctl', 'RNDADDENTROPY');
      check(libc.ioctl(random, RNDRESEEDCRNG, null), 'ioctl', 'RNDRESEEDCRNG');
    } finally {
      closeSync(random);
    }
  },
};
