import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Version of the agent in an image, from manifest.json beside the image. undefined for an image without one. */
export function agentVersionOf(image: string): string | undefined {
  try {
    const manifest = JSON.parse(readFileSync(join(dirname(image), 'manifest.json'), 'utf8')) as readonly { package?: unknown }[];
    return manifest.map((entry) => /^kata-agent (\S+)$/.exec(String(entry.package))?.[1]).find((version) => version !== undefined);
  } catch {
    return undefined;
  }
}
