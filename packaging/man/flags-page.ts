/** Generates manual pages of the programs that take Go-style flags, from their tables of flags, in the format of man(7). */
import { proxyFlags } from '../../packages/common/src/command-lines/proxy-command-line.ts';
import type { GoFlag } from '../../packages/common/src/command-lines/go-flags.ts';
import { shimFlags } from '../../packages/common/src/command-lines/shim-command-line.ts';
import { daemonFlags } from '../../packages/ksm-throttler/src/daemon/flags.ts';
import { troff } from './troff.ts';

export interface PageProgram {
  readonly name: string;
  readonly summary: string;
  readonly description: string;
  readonly flags: readonly GoFlag[];
  /** Absolute: the programs are not in the PATH of a shell. */
  readonly path: string;
}

const LIBEXEC = '/usr/libexec';

/** Each has a page `NAME.8`. */
export const pagePrograms: readonly PageProgram[] = [
  {
    name: 'kata-proxy',
    summary: 'forwards connections to the agent in a virtual machine',
    description:
      'kata-runtime starts one kata-proxy for each sandbox. The proxy multiplexes the connections of the runtime and of the shims over the serial port of QEMU (yamux). It ends with the virtual machine.',
    flags: proxyFlags,
    path: `${LIBEXEC}/kata-containers/kata-proxy`,
  },
  {
    name: 'kata-shim',
    summary: 'represents a process of a virtual machine on the host',
    description:
      'kata-runtime starts one kata-shim for each process of a container. The shim copies standard input, output and error, relays signals, and exits with the exit code of the process.',
    flags: shimFlags,
    path: `${LIBEXEC}/kata-containers/kata-shim`,
  },
  {
    name: 'kata-ksm-throttler',
    summary: 'merges equal memory of virtual machines',
    description:
      'The daemon makes the kernel scan for equal pages (KSM) after a sandbox has started, and slows the scan down step by step. It restores the settings of the kernel when it ends.',
    flags: daemonFlags,
    path: `${LIBEXEC}/kata-ksm-throttler/kata-ksm-throttler`,
  },
];

const entry = ({ name, kind, description, default: value }: GoFlag): string => {
  const argument = kind === 'string' ? ` " ${name.toUpperCase().replaceAll('-', '_')}"` : '';
  const preset = value === undefined || value === '' ? '' : ` (default ${String(value)})`;
  return `.TP\n.BI ${troff(`-${name}`)}${argument}\n${troff(`${description}${preset}`)}\n`;
};

export const flagsPage = ({
  name,
  summary,
  description,
  flags,
  path,
}: PageProgram): string => `.TH ${troff(name.toUpperCase())} 8 "" "Kata Containers"
.SH NAME
${troff(name)} \\- ${troff(summary)}
.SH SYNOPSIS
.B ${troff(path)}
.RI [ flags ]
.SH DESCRIPTION
${troff(description)}
.SH FLAGS
A flag may begin with one or two hyphens; its value may follow an equals sign.
${flags.map(entry).join('')}.SH SEE ALSO
.BR kata\\-runtime (8)
`;
