/** The shipped configuration file, generated from the schema: some keys as `key = value`, the others as `#key = value`. */
import { schema } from './schema.ts';
import type { Key } from './key.ts';

/** A value in TOML. JSON strings are TOML basic strings. */
const toml = (value: Key['default']): string => JSON.stringify(value).replaceAll('","', '", "');

/** Keys that are not commented out, because people edit them or staging replaces them. */
const written = new Set([
  ...['path', 'kernel', 'image', 'machine_type', 'kernel_params', 'cpu_features', 'default_vcpus', 'default_maxvcpus', 'default_bridges'],
  ...['default_memory', 'shared_fs', 'internetworking_model', 'disable_guest_seccomp', 'disable_block_device_use', 'enable_template'],
]);

export const describe = ({ description, withoutEffect }: Key): string =>
  withoutEffect === undefined ? description : `Has no effect: ${withoutEffect}.`;

/** `overrides` are keyed `table.key`; an override is written even if equal to the default. */
export function configurationFile(overrides: Readonly<Record<string, Key['default']>> = {}): string {
  const tables = Object.entries(schema).map(([name, keys]) => {
    const rows = Object.entries(keys as Readonly<Record<string, Key>>).map(([key, definition]) => {
      const override = overrides[`${name}.${key}`];
      const commented = override === undefined && !written.has(key);
      const description = describe(definition).replaceAll('\n', '\n# ');
      return `# ${description}\n${commented ? '#' : ''}${key} = ${toml(override ?? definition.default)}\n`;
    });
    return `[${name}]\n\n${rows.join('\n')}`;
  });
  return `# Configuration of Kata Containers. Lines that begin with "#" and a key show its default.\n\n${tables.join('\n')}`;
}
