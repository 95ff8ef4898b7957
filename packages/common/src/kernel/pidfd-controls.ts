/** _IOWR(0xff, 11, struct pidfd_info) with the struct's first 64 bytes (linux/pidfd.h): information about the process of a pidfd. */
export const PIDFD_GET_INFO = 0xc040ff0b;
