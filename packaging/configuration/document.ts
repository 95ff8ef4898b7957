/** Generates docs/configuration.md from the table of keys. */
import { describe } from '../../packages/runtime/src/configuration/configuration-file.ts';
import { schema } from '../../packages/runtime/src/configuration/schema.ts';
import type { Key } from '../../packages/runtime/src/configuration/key.ts';

const INTRODUCTION = `# configuration.toml

To change settings, write the keys that you want to change to \`/etc/kata-containers/config.d/NAME.toml\`.

## Files

\`kata-runtime\` reads the first of these files that exists:

1. the file that \`--kata-config\` names,
2. \`/etc/kata-containers/configuration.toml\`,
3. \`/usr/share/defaults/kata-containers/configuration.toml\`.

\`kata-runtime --kata-show-default-config-paths\` prints the last two.

Then \`kata-runtime\` reads drop-ins: the files \`config.d/*.toml\` beside that file, in the order of
their names. Each drop-in changes the keys that it contains. Drop-ins in
\`/etc/kata-containers/config.d\` also change the file in \`/usr/share/defaults\`, after the drop-ins
beside it, even if \`/etc/kata-containers/configuration.toml\` does not exist.

\`kata-runtime kata-env --effective\` prints all files that were read, and each effective value with
the file, line and column that set it. \`--json\` prints the same as JSON.

## Errors and warnings

All errors are reported at once, with file, line, column and the wrong text. An unknown key or table
causes a warning with the most similar name: in the log, and on stderr of \`kata-env\` and
\`kata-check\`. An unknown annotation causes a warning in the log.

Keys have the names of Kata Containers 1.x. A key of 1.x that has no effect here is accepted, and
causes a warning if it is set.

## Annotations

An annotation on a container or pod changes a key for its VM:
\`io.katacontainers.config.hypervisor.KEY\`, \`….runtime.KEY\`, \`….agent.KEY\`.

- Annotations of the hypervisor have an effect only if \`enable_annotations\` permits them. The default
  permits none (1.x: all), because a user who may set annotations could name any file of the host as
  the guest's image.
- \`path\` must also match one of \`valid_hypervisor_paths\`.
- \`kernel_hash\`, \`image_hash\`, \`initrd_hash\`, \`firmware_hash\` and \`hypervisor_hash\` give the SHA-512
  of the file.
- The annotation for \`default_maxvcpus\` is \`default_max_vcpus\`. Modules in \`kernel_modules\` are
  separated by \`;\`, other lists by spaces.

CRI-O passes all annotations of a pod. docker passes the annotations of
\`docker run --annotation\`, and containerd passes annotations that match
\`pod_annotations = ["io.katacontainers.*"]\`.

## Keys

Each key is listed with its default, as the file would have it.
`;

function bounds({ oneOf, minimum, maximum, special, unit }: Key): string {
  if (oneOf) return ` One of ${oneOf.map((value) => `\`${JSON.stringify(value)}\``).join(', ')}.`;
  if (special !== undefined && minimum !== undefined)
    return ` At least ${minimum} ${unit ?? ''}, and at most the memory and swap of the host.`;
  if (maximum !== undefined) return ` ${minimum ?? 0} to ${maximum}.`;
  return '';
}

const oneLine = (text: string): string => text.replaceAll('\n', ' ');

function list([name, keys]: [string, Readonly<Record<string, Key>>]): string {
  const items = Object.entries(keys).map(
    ([key, definition]) => `- \`${key} = ${JSON.stringify(definition.default)}\`: ${oneLine(describe(definition) + bounds(definition))}`,
  );
  return `### [${name}]\n\n${items.join('\n')}\n`;
}

/** Markdown before prettier breaks the lines. */
export const configurationDocument = (): string =>
  [INTRODUCTION, ...Object.entries(schema as Readonly<Record<string, Readonly<Record<string, Key>>>>).map(list)].join('\n');
