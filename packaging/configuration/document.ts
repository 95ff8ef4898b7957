/** docs/configuration.md, from the table of keys. */
import { describe } from '../../packages/runtime/src/configuration/configuration-file.ts';
import { schema } from '../../packages/runtime/src/configuration/schema.ts';
import type { Key } from '../../packages/runtime/src/configuration/schema.ts';

const INTRODUCTION = `# configuration.toml

\`kata-runtime\` reads the file that \`--kata-config\` names, else \`/etc/kata-containers/configuration.toml\`, else
\`/usr/share/defaults/kata-containers/configuration.toml\`. \`kata-runtime --kata-show-default-config-paths\` prints the last two.

Files \`config.d/*.toml\` beside it are read after it, in the order of their names; each changes the keys that it has and leaves the
others. Unknown keys and tables are warned of in the log, with the name that was probably meant. Everything that is wrong is reported at once.

Keys have Kata Containers 1.x's names. Those that have no effect here are read, and warned of when they are set.

## Annotations

\`io.katacontainers.config.hypervisor.KEY\`, \`….runtime.KEY\` and \`….agent.KEY\` on a container or pod change a key for its VM. Those
of the hypervisor need to be let through by \`enable_annotations\`, which as shipped lets none through (1.x: all): whoever may write annotations
could otherwise name any file of the host as the guest's image. \`path\` must also match one of \`valid_hypervisor_paths\`.
\`kernel_hash\`, \`image_hash\`, \`initrd_hash\`, \`firmware_hash\` and \`hypervisor_hash\` give the SHA-512 that the file must have. In an annotation
\`default_maxvcpus\` is called \`default_max_vcpus\`, modules in \`kernel_modules\` are separated by \`;\`, and other lists by blanks.

Engines pass annotations on only when they are told to: \`docker run --annotation\`, \`allowed_annotations\` of CRI-O,
\`pod_annotations = ["io.katacontainers.*"]\` of containerd.
`;

function bounds({ oneOf, minimum, maximum }: Key): string {
  if (oneOf) return ` One of ${oneOf.map((value) => `\`${value}\``).join(', ')}.`;
  if (maximum !== undefined) return ` ${minimum ?? 0} to ${maximum}.`;
  return '';
}

const cell = (text: string): string => text.replaceAll('\n', ' ').replaceAll('|', '\\|');

function table([name, keys]: [string, Readonly<Record<string, Key>>]): string {
  const rows = Object.entries(keys).map(
    ([key, definition]) =>
      `| \`${key}\` | \`${JSON.stringify(definition.default)}\` | ${cell(describe(definition) + bounds(definition))} |`,
  );
  return `## [${name}]\n\n| key | default | meaning |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
}

/** Markdown; tables are not aligned yet. */
export const configurationDocument = (): string =>
  [INTRODUCTION, ...Object.entries(schema as Readonly<Record<string, Readonly<Record<string, Key>>>>).map(table)].join('\n');
