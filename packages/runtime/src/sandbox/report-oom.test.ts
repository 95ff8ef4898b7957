import assert from 'node:assert/strict';
import { oomEventFrame } from './report-oom.ts';

describe('the event of an OOM kill', () => {
  it('is a ttrpc request with the envelope of a TaskOOM', () => {
    const frame = oomEventFrame('moby', 'box', new Date(1_600_000_000_250));
    const header = '0000007c' + '00000001' + '01' + '00';
    const service = `0a2a${Buffer.from('containerd.services.events.ttrpc.v1.Events').toString('hex')}`;
    const method = `1207${Buffer.from('Forward').toString('hex')}`;
    const time = '0a0b' + '0880a0f8fa05' + '1080e59a77';
    const topic = `1204${Buffer.from('moby').toString('hex')}1a0a${Buffer.from('/tasks/oom').toString('hex')}`;
    const event = `22220a19${Buffer.from('containerd.events.TaskOOM').toString('hex')}12050a03${Buffer.from('box').toString('hex')}`;
    assert.equal(frame.toString('hex'), header + service + method + '1a450a43' + time + topic + event);
  });
});
