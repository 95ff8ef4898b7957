/** 1.x's paths on the host (persist, vc and kata-containers directories), and the share's path in the guest. */
import { join } from 'node:path';

export interface SandboxPaths {
  /** State, journal, proxy.sock: /run/vc/sbs/ID. Its existence reserves the id. */
  readonly state: string;
  readonly journal: string;
  /** Journal of the links, which only the holder of the sandbox's lock changes. */
  readonly linkJournal: string;
  readonly sandboxFile: string;
  readonly proxySocket: string;
  /** QEMU's sockets, pid file and log: /run/vc/vm/ID. */
  readonly vm: string;
  readonly qmpSocket: string;
  readonly consoleSocket: string;
  readonly agentSocket: string;
  readonly pidFile: string;
  /** Where virtiofsd listens. */
  readonly virtioFsSocket: string;
  readonly qemuLog: string;
  /** /run/kata-containers/shared/sandboxes/ID: the runtime mounts below `mounts`, and QEMU exports `shared`. */
  readonly share: string;
  readonly mounts: string;
  readonly shared: string;
}

export const sandboxesDirectory = '/run/vc/sbs';
export const vmsDirectory = '/run/vc/vm';
/** Its subdirectory ID is the share of a sandbox. */
export const sharesDirectory = '/run/kata-containers/shared/sandboxes';
/** virtiofsd's log in the VM's directory. */
export const virtiofsdLog = 'virtiofsd.log';
/** Files of QEMU, proxy and virtiofsd in the VM's directory. */
export const vmFiles = ['qmp.sock', 'console.sock', 'kata.sock', 'vhost-fs.sock', 'pid', 'qemu.log', 'proxy.log', virtiofsdLog];
/** Its subdirectories CONTAINER/SANDBOX map containers to sandboxes. */
export const mappingDirectory = '/run/kata-containers/containers-mapping';
/** Each may be a file system of its own. */
export const runtimeDirectories = ['/run', sandboxesDirectory, vmsDirectory, sharesDirectory, mappingDirectory];
/** The share as the guest sees it. */
export const guestShare = '/run/kata-containers/shared/containers';

export function sandboxPaths(id: string): SandboxPaths {
  const [state, vm, share] = [join(sandboxesDirectory, id), join(vmsDirectory, id), join(sharesDirectory, id)];
  return {
    state,
    journal: join(state, 'undo.jsonl'),
    linkJournal: join(state, 'links.jsonl'),
    sandboxFile: join(state, 'persist.json'),
    proxySocket: join(state, 'proxy.sock'),
    vm,
    qmpSocket: join(vm, 'qmp.sock'),
    consoleSocket: join(vm, 'console.sock'),
    agentSocket: join(vm, 'kata.sock'),
    pidFile: join(vm, 'pid'),
    virtioFsSocket: join(vm, 'vhost-fs.sock'),
    qemuLog: join(vm, 'qemu.log'),
    share,
    mounts: join(share, 'mounts'),
    shared: join(share, 'shared'),
  };
}

/** The file that holds a container's state. */
export const containerFile = (sandboxId: string, containerId: string): string =>
  join(sandboxesDirectory, sandboxId, containerId, 'persist.json');
