import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@kata-containers/common/logging/logger';
import { until } from '../../../../tests/support/until.ts';
import { SandboxWatch } from './watch-sandboxes.ts';

describe('watching sandboxes', () => {
  let top = '';
  let watch: SandboxWatch | undefined;
  let seen: string[] = [];
  const path = (name: string): string => join(top, 'vc', name);
  const begin = (): void => {
    watch = new SandboxWatch(join(top, 'vc'), { appeared: () => seen.push('+'), empty: () => seen.push('0') }, silentLogger);
  };
  const sees = (text: string): Promise<void> => until(`"${text}" after "${seen.join('')}"`, () => seen.join('') === text);
  beforeEach(() => {
    top = mkdtempSync(join(tmpdir(), 'sbs-'));
    seen = [];
  });
  afterEach(() => {
    watch?.close();
    rmSync(top, { recursive: true, force: true });
  });

  it('each sandbox that appears, and the end of the last one', async () => {
    mkdirSync(path('sbs'), { recursive: true });
    begin();
    mkdirSync(path('sbs/a'));
    await sees('+');
    mkdirSync(path('sbs/b'));
    await sees('++');
    rmSync(path('sbs/a'), { recursive: true });
    rmSync(path('sbs/b'), { recursive: true });
    await sees('++0');
  });

  it('existing sandboxes are not reported, but the end of the last one is', async () => {
    mkdirSync(path('sbs/a'), { recursive: true });
    begin();
    rmSync(path('sbs/a'), { recursive: true });
    await sees('0');
  });

  it('the creation of their directory is reported, and the directory is watched then', async () => {
    begin();
    mkdirSync(path('sbs'), { recursive: true });
    await sees('+');
    mkdirSync(path('sbs/a'));
    await sees('++');
  });

  it('directory and sandbox together are reported once', async () => {
    begin();
    mkdirSync(path('sbs/a'), { recursive: true });
    await sees('+');
    rmSync(path('sbs/a'), { recursive: true });
    await sees('+0');
  });

  it('their directory is removed and created again', async () => {
    mkdirSync(path('sbs/a'), { recursive: true });
    begin();
    rmSync(join(top, 'vc'), { recursive: true });
    await sees('0');
    mkdirSync(path('sbs/b'), { recursive: true });
    await sees('0+');
    mkdirSync(path('sbs/c'));
    await sees('0++');
  });

  for (const gone of ['sbs', ''])
    it(`a directory that is replaced before the watcher reads the event: vc/${gone}`, async () => {
      mkdirSync(path('sbs'), { recursive: true });
      begin();
      rmSync(path(gone), { recursive: true });
      mkdirSync(path('sbs'), { recursive: true });
      await sees('+');
      mkdirSync(path('sbs/a'));
      await sees('++');
    });

  it('other files on the path are not reported', async () => {
    begin();
    for (const name of ['x', 'y', 'vd']) mkdirSync(join(top, name));
    mkdirSync(path('other'), { recursive: true });
    mkdirSync(path('sbs'));
    await sees('+');
  });
});
