/** Parses the command line of a running QEMU (/proc/PID/cmdline). Pure. */
import { unescapeOption } from './option-text.ts';

export interface QemuArguments {
  readonly kernel: string;
  /** Image or initrd. */
  readonly image: string;
  readonly vcpus: number;
}

export function parseCommandLine(cmdline: string): QemuArguments {
  const args = cmdline.split('\0');
  const after = (name: string): string => args[args.indexOf(name) + 1] ?? '';
  const has = (name: string): boolean => args.includes(name);
  const image = args.flatMap((arg) => {
    const [, path] = /^(?:memory-backend-file,id=mem0,mem-path=|id=image,file=)((?:[^,]|,,)*)/.exec(arg) ?? [];
    return path === undefined ? [] : [unescapeOption(path)];
  });
  return {
    kernel: has('-kernel') ? after('-kernel') : '',
    image: image[0] ?? (has('-initrd') ? after('-initrd') : ''),
    vcpus: has('-smp') ? Number.parseInt(after('-smp'), 10) || 0 : 0,
  };
}
