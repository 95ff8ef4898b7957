/**
 * BPF programs that crun has made from seccomp profiles. libseccomp needs longer for an engine's profile of 400 system calls than the
 * rest of a container's creation takes, most of all under emulation. The next container with the same profile gets the program by
 * crun's annotation. The guest of a VM template has made the program of the container that the template was made for, so its clones
 * find the program here.
 */
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Spec } from '@kata-containers/common/oci/spec';
import { toJson } from '../oci/spec-config.ts';

/** crun(1): the program in base64, instead of one from the profile. Flags are still read from the profile. */
const ANNOTATION = 'run.oci.seccomp_bpf_data';
/** Maximum number of profiles: the engine's default, and one for each container of a pod with its own profile. */
const MAX_PROGRAMS = 8;
/** BPF_MAXINSNS instructions of 8 bytes (linux/bpf_common.h). */
const MAX_BYTES = 4096 * 8;

export class SeccompPrograms {
  readonly #crunState: string;
  /** From the hash of a profile to its program in base64, the oldest first. */
  readonly #programs = new Map<string, string>();

  /** `crunState` is crun's directory, with one directory for each container. */
  constructor(crunState: string) {
    this.#crunState = crunState;
  }

  /** Adds the program of its profile to the specification, if the program exists. A program of the user is kept. */
  apply(spec: Spec): Spec {
    const program = this.#programs.get(profileKey(spec) ?? '');
    return program === undefined ? spec : { ...spec, annotations: { ...spec.annotations, [ANNOTATION]: program } };
  }

  /** Stores the program that crun has compiled for a container. `spec` is the specification before `apply`. */
  remember(spec: Spec, containerId: string): void {
    const key = profileKey(spec);
    if (key === undefined || this.#programs.has(key)) return;
    const program = readProgram(join(this.#crunState, containerId, 'seccomp.bpf'));
    if (program === undefined) return;
    const [oldest] = this.#programs.keys();
    if (this.#programs.size >= MAX_PROGRAMS && oldest !== undefined) this.#programs.delete(oldest);
    this.#programs.set(key, program);
  }
}

/** Undefined without a profile, and when the user provides the program: such a program does not depend on the profile. */
function profileKey({ linux, annotations }: Spec): string | undefined {
  if (!linux?.seccomp || annotations?.[ANNOTATION] !== undefined) return undefined;
  return createHash('sha256').update(toJson(linux.seccomp)).digest('hex');
}

/** An optimization: without the file, crun compiles the profile again. */
function readProgram(path: string): string | undefined {
  try {
    const { size } = statSync(path);
    return size > 0 && size <= MAX_BYTES ? readFileSync(path, 'base64') : undefined;
  } catch {
    return undefined;
  }
}
