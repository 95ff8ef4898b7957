/** docs/configuration.md, from the table of keys. */
import { describe } from '../../packages/runtime/src/configuration/configuration-file.ts';
import { schema } from '../../packages/runtime/src/configuration/schema.ts';
import type { Key } from '../../packages/runtime/src/configuration/schema.ts';

const INTRODUCTION = `# configuration.toml

To change settings, write the keys that you want to change to
\`/etc/kata-containers/config.d/NAME.toml\`, beside a copy of the installed configuration.toml, or edit the copy.

\`kata-runtime\` reads the file that \`--kata-config\` names, else \`/etc/kata-containers/configuration.toml\`, else
\`/usr/share/defaults/kata-containers/configuration.toml\`. \`kata-runtime --kata-show-default-config-paths\` prints the last two.
Then it reads the files \`config.d/*.toml\` beside that file, in the order of their names. Each changes the keys that it contains.

An unknown key or table causes a warning in the log, with the most similar name. All errors are reported at once. Keys have the
names of Kata Containers 1.x. A key of 1.x that has no effect here is accepted, and causes a warning if it is set.

## Annotations

An annotation on a container or pod changes a key for its VM: \`io.katacontainers.config.hypervisor.KEY\`, \`….runtime.KEY\`,
\`….agent.KEY\`.

- Annotations of the hypervisor have an effect only if \`enable_annotations\` permits them. As shipped it permits none (1.x: all),
  because a user who may set annotations could name any file of the host as the guest's image.
- \`path\` must also match one of \`valid_hypervisor_paths\`.
- \`kernel_hash\`, \`image_hash\`, \`initrd_hash\`, \`firmware_hash\` and \`hypervisor_hash\` give the SHA-512 that the file must have.
- The annotation for \`default_maxvcpus\` is \`default_max_vcpus\`. Modules in \`kernel_modules\` are separated by \`;\`, other lists by
  blanks.

CRI-O passes all annotations of a pod. docker passes those of \`docker run --annotation\`, and containerd those that
\`pod_annotations = ["io.katacontainers.*"]\` names.
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
