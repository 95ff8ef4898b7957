/** Draws stacked panels with a common time axis as SVG. Pure. */

export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Panel {
  readonly title: string;
  readonly lines: readonly Line[];
}

const [WIDTH, PANEL_HEIGHT, LEFT, RIGHT, TOP, GAP] = [760, 200, 60, 20, 30, 50];
/** Each line has its own dashes, for readers who do not see the colours. */
const strokes = [
  { colour: '#0b62a4', dashes: '' },
  { colour: '#d95f02', dashes: '7 4' },
  { colour: '#4d4d4d', dashes: '2 3' },
];

/** 1, 2 or 5 times a power of ten that divides `range` into four to ten parts. */
function tickStep(range: number): number {
  const power = 10 ** Math.floor(Math.log10(range / 4));
  return [5, 2, 1].map((factor) => factor * power).find((step) => range / step >= 4) ?? power;
}

const ticks = (range: number): number[] => {
  const step = tickStep(range);
  return Array.from({ length: Math.floor(range / step) + 1 }, (_, index) => Number((index * step).toPrecision(6)));
};
const highest = (values: readonly number[]): number => Math.max(1, ...values) * 1.05;
type TextStyle = { readonly anchor?: 'start' | 'middle' | 'end'; readonly weight?: 'normal' | 'bold' };
const text = (x: number, y: number, label: string, { anchor = 'start', weight = 'normal' }: TextStyle = {}): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}"${weight === 'bold' ? ' font-weight="bold"' : ''}>${label}</text>`;

function panelMarks({ title, lines }: Panel, top: number, maxX: number): string[] {
  const maxY = highest(lines.flatMap(({ points }) => points.map(([, y]) => y)));
  const bottom = top + PANEL_HEIGHT;
  const x = (value: number): number => LEFT + (value / maxX) * (WIDTH - LEFT - RIGHT);
  const y = (value: number): number => bottom - (Math.max(0, value) / maxY) * PANEL_HEIGHT;
  const grid = (x1: number, y1: number, x2: number, y2: number): string =>
    `<path d="M${x1.toFixed(1)} ${y1.toFixed(1)}L${x2.toFixed(1)} ${y2.toFixed(1)}" stroke="#ddd"/>`;
  return [
    text(LEFT, top - 10, title, { weight: 'bold' }),
    ...ticks(maxY).flatMap((value) => [
      grid(LEFT, y(value), WIDTH - RIGHT, y(value)),
      text(LEFT - 6, y(value) + 4, String(value), { anchor: 'end' }),
    ]),
    ...ticks(maxX).flatMap((value) => [
      grid(x(value), top, x(value), bottom),
      text(x(value), bottom + 16, `${value} s`, { anchor: 'middle' }),
    ]),
    ...lines.map(({ points }, index) => {
      const { colour = '#000', dashes = '' } = strokes[index % strokes.length] ?? {};
      const path = points.map(([px, py]) => `${x(px).toFixed(1)},${y(py).toFixed(1)}`).join(' ');
      return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2" stroke-dasharray="${dashes}"/>`;
    }),
  ];
}

function legend(lines: readonly Line[], y: number): string[] {
  return lines.flatMap(({ name }, index) => {
    const { colour = '#000', dashes = '' } = strokes[index % strokes.length] ?? {};
    const x = LEFT + index * 240;
    return [`<path d="M${x} ${y - 4}h30" stroke="${colour}" stroke-width="2" stroke-dasharray="${dashes}"/>`, text(x + 36, y, name)];
  });
}

export function lineChart(panels: readonly Panel[]): string {
  const maxX = highest(panels.flatMap(({ lines }) => lines.flatMap(({ points }) => points.map(([x]) => x))));
  const height = TOP + panels.length * (PANEL_HEIGHT + GAP) + 10;
  const marks = panels.flatMap((panel, index) => panelMarks(panel, TOP + index * (PANEL_HEIGHT + GAP), maxX));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    ...marks,
    ...legend(panels[0]?.lines ?? [], height - 8),
    '</svg>',
    '',
  ].join('\n');
}
