/** Creates the directories that a VM needs before QEMU starts: one for its sockets, and the share. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeShare } from '../storage/share.ts';
import type { Context } from '../context/context.ts';
import { vmFiles } from '../context/paths.ts';
import type { SandboxPaths } from '../context/paths.ts';
import type { UndoJournal } from '../undo/undo-journal.ts';

export async function makeVmDirectories(context: Context, files: SandboxPaths, journal: UndoJournal): Promise<void> {
  mkdirSync(dirname(files.vm), { recursive: true, mode: 0o750 });
  journal.record({ undo: 'rmdir', path: files.vm });
  mkdirSync(files.vm, { mode: 0o700 });
  journal.record({ undo: 'remove-sockets', directory: files.vm, names: vmFiles });
  await context.trace.step('share', () => makeShare(files, (entry) => journal.record(entry), context.kernel));
}
