import { closeSync, constants, openSync } from 'node:fs';
import { bind, check } from './ffi.ts';
import type { TerminalCalls } from './kernel.ts';

const libc = bind({ ioctl: ['int32', 'uint64', 'pointer'] });
const number = bind({ ioctl: ['int32', 'uint64', 'uint64'] });

// ioctl_tty(2)
const TCGETS = 0x5401n;
const TCSETS = 0x5402n;
const TIOCSCTTY = 0x540en;
const TIOCGWINSZ = 0x5413n;
const TIOCSWINSZ = 0x5414n;
const TIOCGPTN = 0x80045430n;
const TIOCSPTLCK = 0x40045431n;

/** struct termios of the kernel: c_iflag, c_oflag, c_cflag, c_lflag (u32 each), c_line, c_cc[19]. */
const TERMIOS_SIZE = 60;
const flag = { BRKINT: 2, IGNBRK: 1, PARMRK: 8, ISTRIP: 0x20, INLCR: 0x40, IGNCR: 0x80, ICRNL: 0x100, IXON: 0x400 };
const RAW_INPUT_OFF = Object.values(flag).reduce((mask, bit) => mask | bit, 0);
const OPOST = 1;
const ONLCR = 4;
const CSIZE_PARENB = 0o60 | 0o400;
const CS8 = 0o60;
const RAW_LOCAL_OFF = 0o10 | 0o100 | 0o2 | 0o1 | 0o100000; // ECHO ECHONL ICANON ISIG IEXTEN
const VTIME = 17 + 5;
const VMIN = 17 + 6;

function termios(fd: number): Buffer {
  const settings = Buffer.alloc(TERMIOS_SIZE);
  check(libc.ioctl(fd, TCGETS, settings), 'ioctl', 'TCGETS');
  return settings;
}

function setTermios(fd: number, settings: Buffer): void {
  check(libc.ioctl(fd, TCSETS, settings), 'ioctl', 'TCSETS');
}

/** Clears and sets bits of the termios word at `offset`. */
function change(settings: Buffer, offset: number, off: number, on: number): void {
  settings.writeUInt32LE(((settings.readUInt32LE(offset) & ~off) | on) >>> 0, offset);
}

/** ioctl_tty(2), termios(3), pts(4). */
export const terminalCalls: TerminalCalls = {
  openPty() {
    const master = openSync('/dev/ptmx', constants.O_RDWR | constants.O_NOCTTY);
    try {
      check(libc.ioctl(master, TIOCSPTLCK, Buffer.alloc(4)), 'ioctl', 'TIOCSPTLCK');
      const index = Buffer.alloc(4);
      check(libc.ioctl(master, TIOCGPTN, index), 'ioctl', 'TIOCGPTN');
      return { master, slavePath: `/dev/pts/${index.readUInt32LE(0)}` };
    } catch (error) {
      closeSync(master);
      throw error;
    }
  },
  windowSize(fd) {
    const size = Buffer.alloc(8); // struct winsize: ws_row, ws_col, and the size in pixels
    check(libc.ioctl(fd, TIOCGWINSZ, size), 'ioctl', 'TIOCGWINSZ');
    return { rows: size.readUInt16LE(0), columns: size.readUInt16LE(2) };
  },
  setWindowSize(fd, { rows, columns }) {
    const size = Buffer.alloc(8);
    size.writeUInt16LE(rows, 0);
    size.writeUInt16LE(columns, 2);
    check(libc.ioctl(fd, TIOCSWINSZ, size), 'ioctl', 'TIOCSWINSZ');
  },
  makeRaw(fd) {
    const saved = termios(fd);
    const raw = Buffer.from(saved);
    change(raw, 0, RAW_INPUT_OFF, 0);
    change(raw, 4, OPOST, 0);
    change(raw, 8, CSIZE_PARENB, CS8);
    change(raw, 12, RAW_LOCAL_OFF, 0);
    raw[VMIN] = 1;
    raw[VTIME] = 0;
    setTermios(fd, raw);
    return saved;
  },
  restoreTerminal: setTermios,
  setOutputNewlineMapping(fd, on) {
    const settings = termios(fd);
    change(settings, 4, ONLCR, on ? ONLCR : 0);
    setTermios(fd, settings);
  },
  setControllingTerminal(fd) {
    check(number.ioctl(fd, TIOCSCTTY, 0n), 'ioctl', 'TIOCSCTTY');
  },
};
