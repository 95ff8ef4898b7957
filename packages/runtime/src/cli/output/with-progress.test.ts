import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { shellQuote } from '../../processes/shell-quote.ts';

const program = `
import { withProgress } from ${JSON.stringify(join(import.meta.dirname, 'with-progress.ts'))};
const shown = await withProgress('making tea', () => new Promise((resolve) => setTimeout(() => resolve('tea'), 1200)));
console.log(shown);
`;
const node = [process.execPath, '--no-warnings', '--input-type=module-typescript', '-e', program];

describe('withProgress', function () {
  this.timeout(20_000);

  it('writes text and seconds to a terminal and clears them', () => {
    const quoted = node.map(shellQuote).join(' ');
    const shown = execFileSync('script', ['--quiet', '--return', '--command', quoted, '/dev/null'], { encoding: 'utf8' });
    assert.match(shown, /^\r\x1b\[Kmaking tea \(0 s\)(\r\x1b\[Kmaking tea \([1-9] s\))+\r\x1b\[Ktea\r\n$/);
  });

  it('writes nothing without a terminal', () => {
    const [path = '', ...args] = node;
    assert.equal(execFileSync(path, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }), 'tea\n');
  });
});
