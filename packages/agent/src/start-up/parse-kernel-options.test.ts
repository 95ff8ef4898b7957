import assert from 'node:assert/strict';
import { parseKernelOptions } from './parse-kernel-options.ts';
import type { KernelOptions } from './parse-kernel-options.ts';

describe('parseKernelOptions', () => {
  const cases: [commandLine: string, changed: Partial<KernelOptions>][] = [
    ['quiet root=/dev/pmem0p1', {}],
    ['agent.log=debug agent.use_vsock=false', { logLevel: 'debug' }],
    ['agent.hotplug_timeout=10s', { hotplugTimeoutMs: 10_000 }],
    ['agent.unified_cgroup_hierarchy=true', { unifiedCgroups: true }],
    ['agent.container_pipe_size=65536', { containerPipeSize: 65536 }],
    ['agent.devmode agent.debug_console', { devmode: true, debugConsole: true }],
    ['agent.debug_shell', { debugShell: true }],
    ['agent.colour=red', { warnings: ['unknown kernel option agent.colour'] }],
    ['agent.log=loud', { warnings: ['kernel option agent.log=loud cannot be parsed'] }],
  ];
  const defaults = parseKernelOptions('');
  for (const [commandLine, changed] of cases)
    it(commandLine, () => assert.deepEqual(parseKernelOptions(`${commandLine}\n`), { ...defaults, ...changed }));
});
