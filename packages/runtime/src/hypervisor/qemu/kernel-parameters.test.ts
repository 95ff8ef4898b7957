import assert from 'node:assert/strict';
import { asksForConsole } from './kernel-parameters.ts';

describe('asksForConsole', () => {
  const examples: [string, boolean][] = [
    ['agent.debug_console', true],
    ['quiet agent.debug_console', true],
    ['agent.debug_console=true quiet', true],
    ['agent.debug_console_vport=1026', false],
    ['agent.debug_shell', false],
    ['', false],
  ];
  for (const [kernelParams, asks] of examples)
    it(`is ${asks} with "${kernelParams}"`, () => assert.equal(asksForConsole(kernelParams), asks));
});
