/** Removes the templates that a test has made. Templates that existed before are kept. */
import { readFileSync } from 'node:fs';
import { run } from './run.ts';

/** A tmpfs in the mount namespace of the process that created them. */
export const TEMPLATES = '/run/vc/vm/template';

/** Whether the mount namespace of a process has templates. */
export const hasTemplates = (pid: number): boolean => readFileSync(`/proc/${pid}/mountinfo`, 'utf8').includes(` ${TEMPLATES} `);

export async function removeTemplates(pid: number): Promise<void> {
  if (!hasTemplates(pid)) return;
  const script = `umount ${TEMPLATES} && rmdir ${TEMPLATES}`;
  const { code, stderr } = await run('nsenter', [`--mount=/proc/${pid}/ns/mnt`, 'sh', '-c', script]);
  if (code !== 0) throw new Error(`templates cannot be removed: ${stderr}`);
}
