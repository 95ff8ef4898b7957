/**
 * Templates of a mount namespace. All test files share the templates that the machine had before; a test whose QEMU, kernel or image are its
 * own, or that removes outdated templates, must not: one file would remove the templates of another.
 */
import { readFileSync } from 'node:fs';
import { run } from './run.ts';

/** A tmpfs in the mount namespace of the process that created them. */
export const TEMPLATES = '/run/vc/vm/template';

/** Whether the mount namespace of a process has templates. */
export const hasTemplates = (pid: number): boolean => readFileSync(`/proc/${pid}/mountinfo`, 'utf8').includes(` ${TEMPLATES} `);

/** Unmounts the templates in the mount namespace of a process. A VM there makes new ones; other namespaces keep theirs. */
export async function removeTemplates(pid: number): Promise<void> {
  if (!hasTemplates(pid)) return;
  const script = `umount ${TEMPLATES} && rmdir ${TEMPLATES}`;
  const { code, stderr } = await run('nsenter', [`--mount=/proc/${pid}/ns/mnt`, 'sh', '-c', script]);
  if (code !== 0) throw new Error(`templates cannot be removed: ${stderr}`);
}
