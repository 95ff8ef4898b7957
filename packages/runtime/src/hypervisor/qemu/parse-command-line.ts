/** What a running QEMU was started with, from its own command line (/proc/PID/cmdline). Pure. */

export interface QemuArguments {
  readonly kernel: string;
  /** Image or initrd. */
  readonly image: string;
  readonly vcpus: number;
}

/** Commas in a value are doubled (qemu(1), "-drive"). */
const unescape = (value: string): string => value.replaceAll(',,', ',');

export function parseCommandLine(cmdline: string): QemuArguments {
  const args = cmdline.split('\0');
  const after = (name: string): string => args[args.indexOf(name) + 1] ?? '';
  const has = (name: string): boolean => args.includes(name);
  const image = args.flatMap((word) => {
    const [, path] = /^(?:memory-backend-file,id=mem0,mem-path=|id=image,file=)((?:[^,]|,,)*)/.exec(word) ?? [];
    return path === undefined ? [] : [unescape(path)];
  });
  return {
    kernel: has('-kernel') ? after('-kernel') : '',
    image: image[0] ?? (has('-initrd') ? after('-initrd') : ''),
    vcpus: has('-smp') ? Number.parseInt(after('-smp'), 10) || 0 : 0,
  };
}
