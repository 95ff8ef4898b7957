import assert from 'node:assert/strict';
import { agentErrors } from '@kata-containers/common/agent-api/agent-errors';
import { GRPC } from '@kata-containers/common/grpc/status';
import { isSandboxEnd } from './is-sandbox-end.ts';

describe('the end of a sandbox', () => {
  it('is not an error of the connection', () => {
    assert.equal(isSandboxEnd(agentErrors.failed('WaitProcess', GRPC.failedPrecondition, 'Sandbox not started')), true);
    assert.equal(isSandboxEnd(agentErrors.failed('WaitProcess', GRPC.unavailable, '')), false);
    assert.equal(isSandboxEnd(new Error('Sandbox not started')), false);
  });
});
