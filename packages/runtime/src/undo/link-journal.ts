/**
 * The journal of links that are connected to a VM. It is a file of its own: entries are removed when a link is detached, which nobody may do
 * in a file that other processes append to without the sandbox's lock. An entry that remained would be replayed with the sandbox, and would
 * give the link of that name the MAC address and the addresses of an earlier link.
 */
import type { SavedLink } from '../network/macvtap-plan.ts';
import type { Undo, UndoJournal } from './undo-journal.ts';

export interface RecordedLink {
  readonly netns: string;
  /** Name of the link. */
  readonly name: string;
  /** Name of the tap or macvtap. */
  readonly tap: string;
  /** With a macvtap: the state of the link before it was connected. */
  readonly saved?: SavedLink;
}

/** Call it before the link is connected. */
export function recordLink(journal: UndoJournal, { netns, name, tap, saved }: RecordedLink): void {
  if (saved) journal.record({ undo: 'restore-links', netns, links: [saved] });
  journal.record({ undo: 'delete-links', netns, links: [tap], ingress: [name] }); // after the other entry, so that it is undone first
}

/** Temporary device nodes are removed when a link is connected, so their entries are not needed either. */
function isOf({ tap, name }: Pick<RecordedLink, 'tap' | 'name'>, entry: Undo): boolean {
  if (entry.undo === 'delete-links') return entry.links.includes(tap);
  return entry.undo === 'unlink' || (entry.undo === 'restore-links' && entry.links.some((link) => link.name === name));
}

/** Removes the entries of a link that was detached. To be called with the sandbox's lock. */
export const dropLink = (journal: UndoJournal, link: Pick<RecordedLink, 'tap' | 'name'>): void =>
  journal.rewrite((entry) => !isOf(link, entry));
