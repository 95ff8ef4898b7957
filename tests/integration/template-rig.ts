/** VMs cloned from a template, with fakes, and a bundle with a prestart hook. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Outcome } from '../support/run.ts';
import { RuntimeRig, fake } from './runtime-rig.ts';

/** For a hook: creates a link in the namespace of the process in its input. */
export const addLink = (number: number): string => `
$in ip link add eth${number} type veth peer name peer${number}
$in ip link set peer${number} up
$in ip address add 10.7.${number}.2/24 dev eth${number}
$in ip link set eth${number} up
`;

/** For a hook: waits until `condition` succeeds. */
export const wait = (condition: string): string => `for i in $(seq 200); do ${condition} && break; sleep 0.05; done\n`;

export class TemplateRig extends RuntimeRig {
  get templates(): string {
    return this.scratch.file('templates');
  }

  /** `mode` is the mode of the fake QEMU. */
  prepareTemplates(mode = 'good'): void {
    this.prepare();
    const qemu = this.executable('qemu', `echo "$*" >> ${this.scratch.file('qemus')}; exec ${fake('qemu.ts')} ${mode} "$@"`);
    this.configure('path', qemu);
    this.configure('enable_template', true);
    this.configure('template_path', this.templates);
    writeFileSync(this.scratch.file('qemus'), '');
  }

  /** Gives the bundle a prestart hook, as docker does. */
  hook(script: string, name = 'hook'): void {
    const path = this.executable(
      'hook',
      `set -e
in="nsenter --net=/proc/$(sed 's/.*"pid":\\([0-9]*\\).*/\\1/')/ns/net"
cp ${this.scratch.file('qemus')} ${this.scratch.file('before-hook')}
${script}`,
    );
    this.changeSpec((spec) =>
      Object.assign(spec, { hooks: { prestart: [{ path, args: [name] }] }, linux: { ...spec.linux, resources: {} } }),
    );
  }

  /** For a hook: waits for the start of QEMU. */
  running(): string {
    return wait(`[ -s ${this.scratch.file('qemus')} ]`);
  }

  /** Makes a template for so many links, and the hosts file for them. */
  async expectLinks(count: number, mode = 'good'): Promise<void> {
    this.prepareTemplates(mode);
    const links = Array.from({ length: count }, (_, number) => number);
    this.hook(links.map(addLink).join(''));
    const source = this.scratch.file('hosts');
    writeFileSync(source, `127.0.0.1\tlocalhost\n${links.map((number) => `10.7.${number}.2\tc1\n`).join('')}`);
    const mounts = [{ destination: '/etc/hosts', type: 'bind', source, options: ['rbind'] }];
    this.changeSpec((spec) => Object.assign(spec, { hostname: 'c1', mounts }));
    await this.created();
    await this.kata('delete', '--force', this.id);
    writeFileSync(this.scratch.file('qemus'), '');
  }

  /** The purpose of each QEMU, in the order of their starts. */
  qemus(name = 'qemus'): string[] {
    return readFileSync(this.scratch.file(name), 'latin1')
      .split('\n')
      .filter(Boolean)
      .map((line) => {
        const kind = line.includes('template-') ? 'template' : / -incoming /.test(`${line} `) ? 'clone' : 'booted';
        return `${kind} ${line.match(/,id=network-/g)?.length ?? 0}`;
      });
  }

  async created(): Promise<Outcome> {
    const outcome = await this.create();
    assert.deepEqual([outcome.code, outcome.stderr], [0, '']);
    return outcome;
  }

  override async close(): Promise<void> {
    await this.kata('delete', '--force', this.id);
    if (existsSync(this.templates)) assert.equal((await this.kata('factory', 'destroy')).code, 0);
    await super.close();
  }
}
