import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { linuxKernel } from '@kata-containers/common/kernel/linux-kernel';
import { silentLogger } from '@kata-containers/common/logging/logger';
import { until } from '../../../../tests/support/until.ts';
import { SandboxWatch } from './watch-sandboxes.ts';

describe('watchSandboxes', () => {
  let top = '';
  let watch: SandboxWatch | undefined;
  let seen: string[] = [];
  const path = (name: string): string => join(top, 'vc', name);
  const begin = (): void => {
    watch = new SandboxWatch(join(top, 'vc'), { appeared: () => seen.push('+'), empty: () => seen.push('0') }, silentLogger, linuxKernel);
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

  it('reports each new sandbox and the end of the last sandbox', async () => {
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

  it('does not report existing sandboxes, but the end of the last sandbox', async () => {
    mkdirSync(path('sbs/a'), { recursive: true });
    begin();
    rmSync(path('sbs/a'), { recursive: true });
    await sees('0');
  });

  it('reports the creation of the directory and then watches the directory', async () => {
    begin();
    mkdirSync(path('sbs'), { recursive: true });
    await sees('+');
    mkdirSync(path('sbs/a'));
    await sees('++');
  });

  it('reports the simultaneous creation of directory and sandbox once', async () => {
    begin();
    mkdirSync(path('sbs/a'), { recursive: true });
    await sees('+');
    rmSync(path('sbs/a'), { recursive: true });
    await sees('+0');
  });

  it('watches a directory that is removed and created again', async () => {
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
    it(`watches a directory that is replaced before the event is read: vc/${gone}`, async () => {
      mkdirSync(path('sbs'), { recursive: true });
      begin();
      rmSync(path(gone), { recursive: true });
      mkdirSync(path('sbs'), { recursive: true });
      await sees('+');
      mkdirSync(path('sbs/a'));
      await sees('++');
    });

  it('does not report other files on the path', async () => {
    begin();
    for (const name of ['x', 'y', 'vd']) mkdirSync(join(top, name));
    mkdirSync(path('other'), { recursive: true });
    mkdirSync(path('sbs'));
    await sees('+');
  });
});
