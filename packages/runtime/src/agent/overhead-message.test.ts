import assert from 'node:assert/strict';
import { overheadMessage } from './overhead-message.ts';

it("kata-overhead's text", () => {
  const first = { time: 0n, hostCpu: 100n, guestCpu: 50n, hostMemory: 1n, guestMemory: 1n };
  const last = { time: 1_000_000_000n, hostCpu: 500_000_100n, guestCpu: 250_000_050n, hostMemory: 3000n, guestMemory: 1000n };
  assert.equal(
    overheadMessage('box', first, last, 2),
    'Sandbox overhead for container: box\ncpu_overhead=25.000000\nmemory_overhead_bytes=2000\n\n --CPU details--\ncpu_host=50.000000\n' +
      '\tcpu_host_init=100\n\tcpu_host_final=500000100\ncpu_guest=25.000000\n\tcpu_guest_init=50\n\tcpu_guest_final=250000050\n' +
      'Number of available vCPUs=2\n --Memory details--\nmemory_host_bytes=3000\nmemory_guest_bytes=1000\n\n',
  );
});
