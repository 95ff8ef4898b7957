import { bpf, loadProgram } from './bpf-calls.ts';
import type { CgroupCalls } from './kernel.ts';

// linux/bpf.h
const BPF_PROG_ATTACH = 8;
const BPF_PROG_TYPE_CGROUP_DEVICE = 15;
const BPF_CGROUP_DEVICE = 6;

/** Programs that decide which devices the processes of a cgroup may open. */
export const cgroupCalls: CgroupCalls = {
  loadDeviceProgram: (program) => loadProgram(BPF_PROG_TYPE_CGROUP_DEVICE, program),
  attachDeviceProgram(directory, program) {
    const attributes = Buffer.alloc(16); // directory, program, type, flags
    attributes.writeUInt32LE(directory, 0);
    attributes.writeUInt32LE(program, 4);
    attributes.writeUInt32LE(BPF_CGROUP_DEVICE, 8);
    bpf(BPF_PROG_ATTACH, attributes, 'BPF_PROG_ATTACH');
  },
};
