import { parseCpuList } from '@kata-containers/common/oci/parse-cpu-list';

/** The requested CPUs if the guest has all of them; otherwise all CPUs of the guest, where the host's numbers mean nothing (as in 1.x). */
export function availableCpus(wanted: string, online: string): string {
  const [asked, there] = [parseCpuList(wanted), parseCpuList(online)];
  if (!asked) throw new Error(`invalid cpuset ${JSON.stringify(wanted)}`);
  return there && [...asked].every((cpu) => there.has(cpu)) ? wanted : online.trim();
}
