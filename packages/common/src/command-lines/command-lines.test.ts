import assert from 'node:assert/strict';
import { buildProxyCommandLine, parseProxyCommandLine } from './proxy-command-line.ts';
import { buildShimCommandLine, parseShimCommandLine } from './shim-command-line.ts';

describe('kata-proxy command line', () => {
  it('is read back as it was written', () => {
    const argv = buildProxyCommandLine({ listenSocket: 'unix:///p', muxSocket: '/k', sandbox: 's', agentLogsSocket: '/c' });
    assert.deepEqual(argv, [
      '-listen-socket',
      'unix:///p',
      '-mux-socket',
      '/k',
      '-sandbox',
      's',
      '-log',
      'debug',
      '-agent-logs-socket',
      '/c',
    ]);
    const options = parseProxyCommandLine(argv);
    assert.deepEqual([options.listenSocket, options.muxSocket, options.sandbox, options.log], ['unix:///p', '/k', 's', 'debug']);
  });
  it('defaults', () => {
    const options = parseProxyCommandLine([]);
    assert.deepEqual([options.listenSocket, options.log, options.debug, options.version], [undefined, 'warn', false, false]);
  });
});

describe('kata-shim command line', () => {
  it('is read back as it was written', () => {
    const argv = buildShimCommandLine({ agent: 'unix:///p', container: 'c', execId: 'e', terminal: true, debug: true });
    assert.deepEqual(argv, ['-agent', 'unix:///p', '-container', 'c', '-exec-id', 'e', '-terminal', '-log', 'debug']);
    const options = parseShimCommandLine(argv);
    assert.deepEqual(
      [options.agent, options.container, options.execId, options.terminal, options.log],
      ['unix:///p', 'c', 'e', true, 'debug'],
    );
  });
  it("forwards the process's exit code by default", () => {
    assert.equal(parseShimCommandLine([]).proxyExitCode, true);
    assert.equal(parseShimCommandLine(['-proxy-exit-code=false']).proxyExitCode, false);
  });
});
