/** Prices over time as a drawing for a terminal: steps, since a price holds until the next one. */

export interface ChartPoint {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** From then on; null: nothing. */
  readonly value: number | null;
}

export interface ChartSeries {
  readonly label: string;
  /** By time. */
  readonly points: readonly ChartPoint[];
}

export interface ChartOptions {
  /** Of the whole drawing, in columns; at least 30 are used. */
  readonly width: number;
  /** Of the drawing without the legend, in lines; at least 5 are used. */
  readonly height: number;
  readonly from: number;
  readonly to: number;
  /** `unicode` draws with dots of Braille, four by two in a character; `ascii` with letters and signs. */
  readonly glyphs: 'unicode' | 'ascii';
  readonly colour: boolean;
  /** How a value is written on the axis and in the legend; as US dollars when absent. */
  readonly format?: (value: number) => string;
}

/** Told apart without colour. With more series than marks, the marks repeat. */
const ASCII_MARKS = ['*', '+', 'o', 'x', '#', '@', '%', '&'] as const;
const UNICODE_MARKS = ['●', '▲', '■', '◆', '○', '△', '□', '◇'] as const;
/** Blue, orange, green, red, violet, cyan of the 256-colour table: they differ on black and on white, for most eyes. */
const COLOURS = [33, 208, 35, 160, 134, 37] as const;
const RESET = '\u001b[0m';

/** Lines without line ends: the axes, the drawing and a legend with the last value of each series. */
export function drawChart(series: readonly ChartSeries[], options: ChartOptions): string[] {
  const format = options.format ?? ((value: number) => `$${value.toFixed(2)}`);
  const scale = scaleOf(series, options);
  if (scale === null) return ['No prices in this time.'];
  const height = Math.max(5, Math.floor(options.height)) - 2;
  const labels = Array.from({ length: height }, (_, row) =>
    isLabelled(row, height) ? format(scale.top - (row / (height - 1)) * (scale.top - scale.bottom)) : '',
  );
  const margin = Math.max(...labels.map((label) => label.length)) + 1;
  const columns = Math.max(30, Math.floor(options.width)) - margin - 1;
  const canvas = options.glyphs === 'unicode' && (options.colour || series.length === 1) ? brailleRows : markRows;
  const rows = canvas(series, { ...options, ...scale, columns, rows: height });
  const { axis, corner, line } =
    options.glyphs === 'unicode' ? { axis: '┤', corner: '└', line: '─' } : { axis: '|', corner: '+', line: '-' };
  const bar = options.glyphs === 'unicode' ? '│' : '|';
  return [
    ...rows.map((row, index) => {
      const label = labels[index] ?? '';
      return `${label.padStart(margin)}${label === '' ? bar : axis}${row}`.trimEnd();
    }),
    `${' '.repeat(margin)}${corner}${line.repeat(columns)}`,
    `${' '.repeat(margin + 1)}${timeAxis(options.from, options.to, columns)}`,
    ...series.map((one, index) => legend(one, index, options, format)),
  ];
}

interface Scale {
  readonly top: number;
  readonly bottom: number;
}

/** From zero, unless all of it would be a line at the top. Null: there is nothing to draw. */
function scaleOf(series: readonly ChartSeries[], { from, to }: ChartOptions): Scale | null {
  let lowest = Number.POSITIVE_INFINITY;
  let highest = Number.NEGATIVE_INFINITY;
  for (const { points } of series) {
    points.forEach(({ at, value }, index) => {
      const until = points[index + 1]?.at ?? Number.POSITIVE_INFINITY;
      if (value === null || at > to || until <= from) return;
      lowest = Math.min(lowest, value);
      highest = Math.max(highest, value);
    });
  }
  if (!Number.isFinite(lowest) || !(to > from)) return null;
  if (lowest === highest) return { top: highest * 1.25 || 1, bottom: 0 };
  const room = (highest - lowest) * 0.05;
  return { top: highest + room, bottom: lowest > highest * 0.6 ? lowest - room : 0 };
}

/** Top, bottom, and about every fourth line between them. */
function isLabelled(row: number, height: number): boolean {
  const parts = Math.max(1, Math.floor((height - 1) / 4));
  for (let part = 0; part <= parts; part++) if (Math.round((part * (height - 1)) / parts) === row) return true;
  return false;
}

interface Canvas extends ChartOptions, Scale {
  readonly columns: number;
  readonly rows: number;
}

/** The value that holds at the end of each of `count` equal parts of the time. */
function samplesOf({ points }: ChartSeries, { from, to }: ChartOptions, count: number): (number | null)[] {
  let next = 0;
  let value: number | null = null;
  return Array.from({ length: count }, (_, index) => {
    const at = from + ((index + 1) / count) * (to - from);
    for (let point = points[next]; point !== undefined && point.at <= at; point = points[++next]) value = point.value;
    return value;
  });
}

/** Rows count from the top. */
function rowOf(value: number, { top, bottom }: Scale, rows: number): number {
  return Math.min(rows - 1, Math.max(0, Math.round(((top - value) / (top - bottom)) * (rows - 1))));
}

function markRows(series: readonly ChartSeries[], canvas: Canvas): string[] {
  const cells = Array.from({ length: canvas.rows }, () => new Array<string>(canvas.columns).fill(' '));
  series.forEach((one, index) => {
    samplesOf(one, canvas, canvas.columns).forEach((value, column) => {
      const row = value === null ? undefined : cells[rowOf(value, canvas, canvas.rows)];
      if (row !== undefined) row[column] = coloured(markOf(index, canvas), index, canvas);
    });
  });
  return cells.map((row) => row.join(''));
}

/** Bits of the dots of a Braille character, by row and column (Unicode 2800). */
const DOTS = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
] as const;

function brailleRows(series: readonly ChartSeries[], canvas: Canvas): string[] {
  const cells = Array.from({ length: canvas.rows }, () =>
    Array.from({ length: canvas.columns }, () => ({ dots: 0, series: 0 })),
  );
  series.forEach((one, index) => {
    let before: number | null = null;
    samplesOf(one, canvas, canvas.columns * 2).forEach((value, x) => {
      const y = value === null ? null : rowOf(value, canvas, canvas.rows * 4);
      if (y !== null) {
        // The riser of a step joins what was to what is.
        for (let dot = Math.min(y, before ?? y); dot <= Math.max(y, before ?? y); dot++) set(x, dot, index);
      }
      before = y;
    });
  });
  return cells.map((row) =>
    row
      .map(({ dots, series: of }) => (dots === 0 ? ' ' : coloured(String.fromCodePoint(0x2800 + dots), of, canvas)))
      .join(''),
  );

  function set(x: number, y: number, of: number): void {
    const cell = cells[y >> 2]?.[x >> 1];
    if (cell === undefined) return;
    cell.dots |= DOTS[y % 4]?.[x % 2] ?? 0;
    cell.series = of; // the last one has the colour of a shared character
  }
}

function markOf(index: number, { glyphs }: ChartOptions): string {
  const marks = glyphs === 'unicode' ? UNICODE_MARKS : ASCII_MARKS;
  return marks[index % marks.length] ?? '*';
}

function coloured(text: string, index: number, { colour }: ChartOptions): string {
  return colour ? `\u001b[38;5;${COLOURS[index % COLOURS.length]}m${text}${RESET}` : text;
}

function legend(one: ChartSeries, index: number, options: ChartOptions, format: (value: number) => string): string {
  const now = samplesOf(one, options, 1)[0] ?? null;
  return `  ${coloured(markOf(index, options), index, options)} ${one.label}: ${now === null ? 'none now' : format(now)}`;
}

const DAY_MS = 24 * 60 * 60_000;

/** The first, the middle and the last moment: as days, within two days with the hour. UTC. */
function timeAxis(from: number, to: number, columns: number): string {
  const write = (at: number): string => {
    const iso = new Date(at).toISOString();
    return to - from > 2 * DAY_MS ? iso.slice(0, 10) : `${iso.slice(5, 10)} ${iso.slice(11, 16)}`;
  };
  const [first, middle, last] = [write(from), write((from + to) / 2), write(to)];
  const left = Math.floor((columns - middle.length) / 2);
  // In the narrowest drawing there is no room for three.
  if (left <= first.length) return `${first.padEnd(columns - last.length)}${last}`;
  return `${first.padEnd(left)}${middle}`.padEnd(columns - last.length) + last;
}
