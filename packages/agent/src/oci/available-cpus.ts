import { parseCpuList } from '@kata-containers/common/oci/parse-cpu-list';

/** What is asked for, if the guest has all of it; all that it has otherwise: the host's numbers mean nothing in it (1.x too). */
export function availableCpus(wanted: string, online: string): string {
  const [asked, there] = [parseCpuList(wanted), parseCpuList(online)];
  if (!asked) throw new Error(`invalid cpuset ${JSON.stringify(wanted)}`);
  return there && [...asked].every((cpu) => there.has(cpu)) ? wanted : online.trim();
}
