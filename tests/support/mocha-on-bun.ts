/** Runs unit tests by mocha on the engine that runs this file: `bun tests/support/mocha-on-bun.ts FILE…`. mocha's own command starts Node. */
import Mocha from 'mocha';

const mocha = new Mocha({ timeout: 10_000, forbidOnly: true, reporter: 'dot' });
for (const file of process.argv.slice(2)) mocha.addFile(file);
await mocha.loadFilesAsync();
mocha.run((failures) => (process.exitCode = failures === 0 ? 0 : 1));
