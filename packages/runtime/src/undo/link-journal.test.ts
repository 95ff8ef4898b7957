import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dropLink, recordLink } from './link-journal.ts';
import { UndoJournal } from './undo-journal.ts';

describe('the journal of links', () => {
  let directory = '';
  let journal: UndoJournal;
  const netns = '/run/netns/x';
  const link = (index: number) => ({
    netns,
    name: `eth${index}`,
    tap: `tap${index}_kata`,
    saved: { name: `eth${index}`, mac: `02:00:00:00:00:0${index}`, addresses: [] },
  });
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'kata-links-'));
    journal = new UndoJournal(join(directory, 'links.jsonl'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('a link is restored after the removal of its macvtap', () => {
    recordLink(journal, link(0));
    assert.deepEqual(
      journal.entries().map(({ undo }) => undo),
      ['restore-links', 'delete-links'],
    );
  });

  it('drops all entries of a link, and keeps those of the other links', () => {
    for (const index of [0, 1, 0]) recordLink(journal, link(index));
    journal.record({ undo: 'unlink', path: '/dev/kata-node' });
    dropLink(journal, link(0));
    const { saved, ...rest } = link(1);
    assert.deepEqual(journal.entries(), [
      { undo: 'restore-links', netns, links: [saved] },
      { undo: 'delete-links', netns, links: [rest.tap], ingress: [rest.name] },
    ]);
  });
});
