/** Draws a timeline as SVG: a row with a bar for each part. Pure. */
import type { Owner, Timeline, TimelineRow } from './timeline.ts';

const [WIDTH, LABELS, RIGHT, ROW, TOP, BOTTOM] = [960, 270, 80, 22, 92, 40];
const PLOT = WIDTH - LABELS - RIGHT;

/** Colours that colour-blind readers can distinguish, with enough contrast on white. */
const owners: Readonly<Record<Owner, { colour: string; name: string }>> = {
  docker: { colour: '#8c8c8c', name: 'docker, containerd' },
  runtime: { colour: '#0b62a4', name: 'kata-runtime' },
  vm: { colour: '#d95f02', name: 'QEMU' },
  guest: { colour: '#1b8a5a', name: 'in the guest' },
};

const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

const text = (x: number, y: number, content: string, style = ''): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}"${style}>${escapeXml(content)}</text>`;

/** Every 0.1, 0.2, 0.5, 1 … seconds, so that the axis has five to ten marks. */
function tickMs(totalMs: number): number {
  const steps = [10, 20, 50, 100, 200, 500, 1000, 2000, 5000];
  return steps.find((step) => totalMs / step <= 10) ?? 10_000;
}

function axis(totalMs: number, bottom: number): string[] {
  const step = tickMs(totalMs);
  return Array.from({ length: Math.floor(totalMs / step) + 1 }, (_, index) => {
    const x = LABELS + ((index * step) / totalMs) * PLOT;
    const seconds = `${((index * step) / 1000).toFixed(step < 100 ? 2 : 1)} s`;
    return `<path d="M${x.toFixed(1)} ${TOP}V${bottom}" stroke="#ddd"/>${text(x, bottom + 18, seconds, ' text-anchor="middle" fill="#555"')}`;
  });
}

function bar({ label, owner, beginMs, ms, depth }: TimelineRow, index: number, totalMs: number): string[] {
  const y = TOP + index * ROW;
  const x = LABELS + (beginMs / totalMs) * PLOT;
  const width = Math.max(1.5, (ms / totalMs) * PLOT);
  const [inset, opacity, weight] = depth === 0 ? [3, 1, ' font-weight="bold"'] : [6, 0.7, ''];
  const value = `${Math.round(ms)} ms`;
  return [
    ...(depth === 0 ? [`<rect x="0" y="${y}" width="${WIDTH}" height="${ROW}" fill="#f3f5f7"/>`] : []),
    text(12 + depth * 16, y + 15, label, weight),
    `<rect x="${x.toFixed(1)}" y="${y + inset}" width="${width.toFixed(1)}" height="${ROW - 2 * inset}" fill="${owners[owner].colour}" fill-opacity="${opacity}"/>`,
    text(x + width + 5, y + 15, value, weight),
  ];
}

function legend(): string[] {
  return Object.values(owners).flatMap(({ colour, name }, index) => {
    const x = LABELS + index * 165;
    return [`<rect x="${x}" y="54" width="12" height="12" fill="${colour}"/>`, text(x + 18, 64, name)];
  });
}

/** `subtitle` names the command and the machine. */
export function timelineSvg({ totalMs, firstOutputMs, rows }: Timeline, subtitle: string): string {
  const bottom = TOP + rows.length * ROW;
  const height = bottom + BOTTOM;
  const firstX = LABELS + (firstOutputMs / totalMs) * PLOT;
  const bars = rows.map((row, index) => bar(row, index, totalMs));
  const backgrounds = bars.flatMap((marks) => marks.filter((mark) => mark.includes('#f3f5f7')));
  const marks = bars.flatMap((all) => all.filter((mark) => !mark.includes('#f3f5f7')));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12.5" fill="#111">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    text(12, 24, `Where the ${(totalMs / 1000).toFixed(2)} s of one docker run go`, ' font-size="17" font-weight="bold"'),
    text(12, 44, subtitle, ' fill="#555"'),
    ...legend(),
    ...backgrounds,
    ...axis(totalMs, bottom),
    `<path d="M${firstX.toFixed(1)} ${TOP - 6}V${bottom}" stroke="#a00" stroke-dasharray="4 3"/>`,
    text(firstX, TOP - 10, `first output: ${(firstOutputMs / 1000).toFixed(2)} s`, ' text-anchor="middle" fill="#a00"'),
    ...marks,
    '</svg>',
    '',
  ].join('\n');
}
