import assert from 'node:assert/strict';
import { bundledLibraries, provides } from './bundled-libraries.ts';

describe('libraries in a bundle', function () {
  this.timeout(20_000);
  it('are the libraries in its text, with versions', async () => {
    const libraries = await bundledLibraries(['packages/runtime/src/main.ts']);
    const names = libraries.map(provides).map((line) => /^bundled\(npm\((.+)\)\) = \d+\.\d+\.\d+/.exec(line)?.[1]);
    for (const name of ['commander', 'smol-toml', '@grpc/grpc-js']) assert.ok(names.includes(name), `${name} in ${names.join(' ')}`);
  });

  it('do not include libraries of other programs', async () => {
    const libraries = await bundledLibraries(['packages/shim/src/main.ts']);
    assert.deepEqual(
      libraries.filter((line) => /serialport|smol-toml/.test(line)),
      [],
    );
  });
});
