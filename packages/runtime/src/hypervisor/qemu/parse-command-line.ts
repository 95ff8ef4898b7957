/** What a running QEMU was started with, from its own command line (/proc/PID/cmdline). Pure. */

export interface StartedWith {
  readonly kernel: string;
  /** Image or initrd. */
  readonly image: string;
  readonly vcpus: number;
}

/** Commas in a value are doubled (qemu(1), "-drive"). */
const unescape = (value: string): string => value.replaceAll(',,', ',');

export function parseCommandLine(cmdline: string): StartedWith {
  const words = cmdline.split('\0');
  const after = (name: string): string => words[words.indexOf(name) + 1] ?? '';
  const has = (name: string): boolean => words.includes(name);
  const image = words.flatMap((word) => {
    const [, path] = /^(?:memory-backend-file,id=mem0,mem-path=|id=image,file=)((?:[^,]|,,)*)/.exec(word) ?? [];
    return path === undefined ? [] : [unescape(path)];
  });
  return {
    kernel: has('-kernel') ? after('-kernel') : '',
    image: image[0] ?? (has('-initrd') ? after('-initrd') : ''),
    vcpus: has('-smp') ? Number.parseInt(after('-smp'), 10) || 0 : 0,
  };
}
