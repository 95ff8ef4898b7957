/**
 * The handler `kata` in containerd's config.toml, as a block of lines between two comments. A file of `imports` cannot be used: containerd
 * 1 replaces the whole section of the CRI plugin with that of the imported file. Pure.
 */
import { parse } from 'smol-toml';

export const RUNTIME = '/opt/kata/bin/kata-runtime';

const BEGIN = '# BEGIN kata-deploy';
const END = '# END kata-deploy';
const BLOCK = new RegExp(`\\n*${BEGIN}\\n[^]*?\\n${END}\\n`);

/** The CRI plugin, by the version of the configuration file (containerd's docs/PLUGINS.md). */
const plugins: Readonly<Record<number, string>> = { 2: 'io.containerd.grpc.v1.cri', 3: 'io.containerd.cri.v1.runtime' };

function blockFor(version: number): string {
  const plugin = plugins[version];
  if (plugin === undefined)
    throw new Error(`config.toml has version ${version}, and kata-deploy supports 2 and 3: run "containerd config migrate"`);
  const table = `plugins."${plugin}".containerd.runtimes.kata`;
  return `
${BEGIN}
[${table}]
  runtime_type = "io.containerd.runc.v2"
  pod_annotations = ["io.katacontainers.*"]
  [${table}.options]
    BinaryName = "${RUNTIME}"
${END}
`;
}

/** A file without a version has version 1. */
function versionOf(text: string): number {
  const { version = 1 } = parse(text);
  return Number(version);
}

function checked(text: string): string {
  try {
    parse(text);
    return text;
  } catch (error) {
    throw new Error(`config.toml cannot have the handler "kata", remove it first if it has one: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** The text of the file without the block. */
export const withoutHandler = (text: string): string => text.replace(BLOCK, '\n');

/**
 * `text` is undefined when there is no file.
 * @throws Error when the file is not TOML, has an unknown version, or has a handler `kata` already
 */
export function withHandler(text: string | undefined, containerdMajor: number): string {
  const before = text === undefined ? `version = ${containerdMajor >= 2 ? 3 : 2}\n` : withoutHandler(text);
  return checked(`${before.trimEnd()}\n${blockFor(versionOf(before))}`);
}

/** Whether the file has only the text that `withHandler` writes when there is no file. */
export const isOnlyVersion = (text: string): boolean => /^version = [23]\n*$/.test(text);
