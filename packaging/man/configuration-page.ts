/** Generates kata-configuration.toml(5) from the table of keys, in the format of man(7). */
import { describe } from '../../packages/runtime/src/configuration/configuration-file.ts';
import { schema } from '../../packages/runtime/src/configuration/schema.ts';
import type { Key } from '../../packages/runtime/src/configuration/key.ts';
import { troff } from './troff.ts';

const entry = ([name, key]: [string, Key]): string =>
  `.TP\n.BI ${troff(name)} " = ${troff(JSON.stringify(key.default).replaceAll('"', '\u0022\u0022'))}"\n${troff(describe(key))}\n`;

const section = ([name, keys]: [string, Readonly<Record<string, Key>>]): string =>
  `.SS [${troff(name)}]\n${Object.entries(keys).map(entry).join('')}`;

export const configurationManPage = (): string => `.TH KATA\\-CONFIGURATION.TOML 5 "" "Kata Containers"
.SH NAME
kata\\-configuration.toml \\- configuration of Kata Containers
.SH SYNOPSIS
.I /etc/kata\\-containers/configuration.toml
.br
.I /usr/share/defaults/kata\\-containers/configuration.toml
.SH DESCRIPTION
kata\\-runtime reads the first of these files that exists. Then it reads the files
.I config.d/*.toml
beside that file, in the order of their names; each changes the keys that it contains. An unknown key causes a warning in the log.
.SH KEYS
Each key is shown with its default.
${Object.entries(schema as Readonly<Record<string, Readonly<Record<string, Key>>>>)
  .map(section)
  .join('')}.SH SEE ALSO
.BR kata\\-runtime (8)
`;
