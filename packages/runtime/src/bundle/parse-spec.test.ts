import assert from 'node:assert/strict';
import { parseProcess, parseSpec } from './parse-spec.ts';

const spec = (changes: object): string =>
  JSON.stringify({ ociVersion: '1.0.2', process: { args: ['true'], cwd: '/' }, root: { path: 'rootfs' }, ...changes });

describe('parseSpec', () => {
  it('treats null as a missing field', () => {
    const {
      hooks,
      linux,
      mounts,
      process: first,
    } = parseSpec(
      spec({
        hooks: null,
        mounts: null,
        linux: { devices: null, namespaces: null, resources: { devices: null } },
        process: { args: ['true'], cwd: '/', rlimits: null, capabilities: null, env: null },
      }),
    );
    assert.deepEqual([hooks, mounts, linux], [undefined, undefined, { resources: {} }]);
    assert.deepEqual(first, { args: ['true'], cwd: '/' });
  });
  it('accepts null for linux', () => assert.equal(parseSpec(spec({ linux: null })).linux, undefined));
  it('refuses null for a required field', () => assert.throws(() => parseSpec(spec({ root: null })), /root: is missing$/));

  const first = { args: ['true'], cwd: '/' };
  const wrong: [changes: object, complaint: string][] = [
    [{ ociVersion: 1 }, 'ociVersion: must be a string'],
    [{ process: [] }, 'process: must be an object'],
    [{ process: { ...first, args: [] } }, 'process.args: must name a command'],
    [{ process: { ...first, args: 'sh' } }, 'process.args: must be a list'],
    [{ process: { ...first, args: [null] } }, 'process.args[0]: must be a string'],
    [{ process: { args: [] } }, 'process.args: must name a command'],
    [{ process: { args: ['true'] } }, 'process.cwd: must be an absolute path'],
    [{ process: { ...first, cwd: '' } }, 'process.cwd: must be an absolute path'],
    [{ process: { ...first, env: ['A=1', 2] } }, 'process.env[1]: must be a string'],
    [{ process: { ...first, terminal: 'yes' } }, 'process.terminal: must be true or false'],
    [{ process: { ...first, user: { uid: -1 } } }, 'process.user.uid: must be an integer, from 0 to 4294967295'],
    [
      { process: { ...first, user: { additionalGids: ['0'] } } },
      'process.user.additionalGids[0]: must be an integer, from 0 to 4294967295',
    ],
    [
      { process: { ...first, rlimits: [{ type: 'RLIMIT_CORE', hard: 1.5 }] } },
      'process.rlimits[0].hard: must be an integer, from 0 to 18446744073709551615',
    ],
    [{ process: { ...first, capabilities: ['CAP_KILL', 9] } }, 'process.capabilities.bounding[1]: must be a string'],
    [{ root: {} }, 'root.path: is missing'],
    [{ mounts: {} }, 'mounts: must be a list'],
    [{ mounts: [{ source: '/v' }] }, 'mounts[0].destination: is missing'],
    [{ mounts: [{ destination: '/v', options: 'ro' }] }, 'mounts[0].options: must be a list'],
    [{ hooks: { prestart: {} } }, 'hooks.prestart: must be a list'],
    [{ hooks: { poststop: [{ args: [] }] } }, 'hooks.poststop[0].path: is missing'],
    [
      { hooks: { poststart: [{ path: '/h', timeout: 'x' }] } },
      'hooks.poststart[0].timeout: must be an integer, from -2147483648 to 2147483647',
    ],
    [{ annotations: { a: 1 } }, 'annotations.a: must be a string'],
    [{ annotations: 'a' }, 'annotations: must be an object'],
    [{ linux: 7 }, 'linux: must be an object'],
    [{ linux: { namespaces: {} } }, 'linux.namespaces: must be a list'],
    [{ linux: { namespaces: [{}] } }, 'linux.namespaces[0].type: is missing'],
    [{ linux: { cgroupsPath: [] } }, 'linux.cgroupsPath: must be a string'],
    [{ linux: { sysctl: { 'net.core.somaxconn': 1 } } }, 'linux.sysctl.net.core.somaxconn: must be a string'],
    [
      { linux: { resources: { memory: { limit: '1g' } } } },
      'linux.resources.memory.limit: must be an integer, from -9223372036854775808 to 9223372036854775807',
    ],
    [
      { linux: { devices: [{ path: '/dev/x', type: 'c', major: 'a' }] } },
      'linux.devices[0].major: must be an integer, from -9223372036854775808 to 9223372036854775807',
    ],
    [{ linux: { seccomp: { syscalls: [] } } }, 'linux.seccomp.defaultAction: is missing'],
    [{ linux: { seccomp: { defaultAction: 'A', syscalls: [{ names: 'read' }] } } }, 'linux.seccomp.syscalls[0].names: must be a list'],
  ];
  for (const [changes, complaint] of wrong)
    it(`${JSON.stringify(changes)} is refused`, () =>
      assert.throws(() => parseSpec(spec(changes)), { name: 'SpecError', message: `config.json: ${complaint}` }));

  it('accepts any value of unused fields', () =>
    assert.deepEqual(parseSpec(spec({ vm: 1, linux: { intelRdt: [], toString: 1 } })).linux, { intelRdt: [], toString: 1 }));
});

describe('parseProcess', () => {
  it('keeps 64-bit numbers and uses / as default working directory', () =>
    assert.deepEqual(parseProcess('{"args":["sh"],"rlimits":[{"type":"RLIMIT_CORE","hard":18446744073709551615,"soft":0}],"env":null}'), {
      cwd: '/',
      args: ['sh'],
      rlimits: [{ type: 'RLIMIT_CORE', hard: 18446744073709551615n, soft: 0 }],
    }));
  it('parses capabilities in the old form', () =>
    assert.deepEqual(parseProcess('{"args":["sh"],"capabilities":["CAP_KILL"]}').capabilities?.permitted, ['CAP_KILL']));
  const wrong: [text: string, complaint: RegExp][] = [
    ['{', /^process\.json: \(whole file\): is not JSON/],
    ['null', /^process\.json: \(whole file\): must be an object$/],
    ['{}', /^process\.json: args: must name a command$/],
    ['{"args":[]}', /^process\.json: args: must name a command$/],
    ['{"args":["sh"],"cwd":"tmp"}', /^process\.json: cwd: must be an absolute path$/],
    ['{"args":["sh"],"user":"root"}', /^process\.json: user: must be an object$/],
  ];
  for (const [text, complaint] of wrong) it(`refuses ${text}`, () => assert.throws(() => parseProcess(text), { message: complaint }));
});
