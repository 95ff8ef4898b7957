import assert from 'node:assert/strict';
import { PORT_FORWARD_PREFACE, encodePortForward } from './port-forward.ts';

describe('port forward', () => {
  it('begins with 24 bytes, as HTTP/2 does', () => assert.equal(PORT_FORWARD_PREFACE.length, 24));
  it('names the port after the preface', () => assert.equal(encodePortForward(6443).toString('hex', 24), '192b'));
});
