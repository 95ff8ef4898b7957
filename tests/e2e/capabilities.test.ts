/** QEMU has the minimal capabilities with which its 9p server can act for root of a container: without any of them an operation fails. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { schema } from '../../packages/runtime/src/configuration/schema.ts';
import { Engine } from '../support/engine.ts';
import { onCleanMachine } from '../support/on-clean-machine.ts';
import { good, run } from '../support/run.ts';
import { isOtherQemu, stage, variant } from '../support/staged.ts';

const shipped = schema['hypervisor.qemu'].qemu_capabilities.default;

/** Operations of root in a directory of the host, by the capability that QEMU needs. Each line prints whether the operation succeeded. */
const deeds: Readonly<Record<string, string>> = {
  CHOWN: 'touch chown && chown 1000:1000 chown',
  DAC_OVERRIDE: 'mkdir -m 700 private && chown 1000 private && touch private/file',
  FOWNER: 'touch fowner && chown 1000 fowner && chmod 600 fowner',
  FSETID: 'touch fsetid && chown 0:1001 fsetid && chmod 2755 fsetid && [ $(stat -c %a fsetid) = 2755 ]',
  MKNOD: 'mknod null c 1 3',
  SETFCAP: 'touch setfcap && /program/capabilities setfcap',
};
/** On 9p a QEMU 7.2 without our patches refuses nodes and file capabilities. */
const skipped = isOtherQemu ? ['MKNOD', 'SETFCAP'] : [];
const tried = shipped.filter((name) => !skipped.includes(name));

describe("QEMU's capabilities", function () {
  this.timeout(120_000);
  let engine: Engine;
  let program = '';
  before(async () => {
    program = mkdtempSync(join(tmpdir(), 'program-'));
    await good(run('gcc', ['-static', '-o', join(program, 'capabilities'), join(import.meta.dirname, 'capabilities.c')]));
  });
  after(() => rmSync(program, { recursive: true }));
  onCleanMachine(async () => {
    const without = (name: string, kept: readonly string[]): string =>
      variant(stage, `kata-${name}`, (toml) =>
        toml.replace(/^#?qemu_capabilities ?= ?.*$/m, `qemu_capabilities = ${JSON.stringify(kept)}`),
      );
    const runtimes = Object.fromEntries(
      tried.map((name) => [
        `without-${name.toLowerCase()}`,
        without(
          `without-${name}`,
          shipped.filter((other) => other !== name),
        ),
      ]),
    );
    return (engine = await Engine.start({ ...runtimes, shipped: without('shipped', shipped) }, 'shipped'));
  });

  /** @returns the capabilities whose operations fail */
  async function failures(runtime: string): Promise<string[]> {
    const volume = mkdtempSync(join(tmpdir(), 'volume-'));
    try {
      const script = tried.map((name) => `(${deeds[name]}) 2>/dev/null || echo ${name}`).join('; ');
      const mounts = ['-v', `${volume}:/volume`, '-v', `${program}:/program:ro`];
      const args = ['run', '--rm', '--runtime', runtime, ...mounts, '-w', '/volume', 'busybox', 'sh', '-c', script];
      return (await good(engine.docker(args))).split('\n').filter(Boolean);
    } finally {
      rmSync(volume, { recursive: true });
    }
  }

  it('the default capabilities: all operations succeed', async () => assert.deepEqual(await failures('shipped'), []));
  for (const name of tried)
    it(`without ${name}: its operation fails`, async () => assert.ok((await failures(`without-${name.toLowerCase()}`)).includes(name)));
});
