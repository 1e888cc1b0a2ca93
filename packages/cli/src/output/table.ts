import { printableLine } from './printable.ts';

/** A column: how much of it may go when the terminal is narrow is for the column to say. */
export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string;
  /** Applied after the text was cut to its width. */
  readonly style?: (text: string, row: Row) => string;
  readonly align?: 'right';
  /** The fewest characters that still say something. A column without it is never cut. */
  readonly min?: number;
  /** Left out altogether while the terminal is too narrow; the highest number goes first. */
  readonly dispensable?: number;
}

const GAP = 2;

/**
 * Lines of a table. `width` null: nobody reads it on a terminal, so nothing is cut or left out.
 * Columns in which every row is empty are not shown.
 */
export function formatTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[], width: number | null): string {
  let shown = columns
    .map((column) => ({ column, cells: rows.map((row) => printableLine(column.value(row))) }))
    .filter(({ cells }) => rows.length === 0 || cells.some((cell) => cell !== ''));
  const natural = (entry: (typeof shown)[number]) =>
    entry.cells.reduce((most, cell) => Math.max(most, cell.length), entry.column.title.length);
  let widths = shown.map(natural);
  if (width !== null) {
    let least = smallest(shown, widths);
    while (least > width) {
      const victim = shown.reduce((a, b) => ((b.column.dispensable ?? 0) > (a.column.dispensable ?? 0) ? b : a));
      if (victim.column.dispensable === undefined) break;
      shown = shown.filter((entry) => entry !== victim);
      widths = shown.map(natural);
      least = smallest(shown, widths);
    }
    shrink(shown, widths, width);
  }
  const line = (cells: readonly string[]) => cells.join(' '.repeat(GAP)).trimEnd();
  const lines = [line(shown.map(({ column }, i) => pad(column.title, widths[i] ?? 0, column.align)))];
  for (const [index, row] of rows.entries()) {
    lines.push(
      line(
        shown.map(({ column, cells }, i) => {
          const text = pad(cells[index] ?? '', widths[i] ?? 0, column.align);
          return column.style === undefined ? text : column.style(text, row);
        }),
      ),
    );
  }
  return lines.join('\n');
}

/** The width of a stream, or null when it is no terminal. */
export function terminalWidth(stream: NodeJS.WriteStream = process.stdout): number | null {
  return stream.isTTY ? (stream.columns ?? 80) : null;
}

function smallest(shown: readonly { readonly column: { readonly min?: number } }[], widths: readonly number[]): number {
  const sum = shown.reduce((total, { column }, i) => total + Math.min(widths[i] ?? 0, column.min ?? Infinity), 0);
  return sum + GAP * (shown.length - 1);
}

/** Takes from the widest column that may give, one character at a time, until the line fits. */
function shrink(
  shown: readonly { readonly column: { readonly min?: number } }[],
  widths: number[],
  width: number,
): void {
  let excess = widths.reduce((sum, w) => sum + w, GAP * (widths.length - 1)) - width;
  while (excess > 0) {
    let widest = -1;
    for (const [i, w] of widths.entries()) {
      const { min } = shown[i]?.column ?? {};
      if (min !== undefined && w > min && (widest < 0 || w > (widths[widest] ?? 0))) widest = i;
    }
    if (widest < 0) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
    excess--;
  }
}

function pad(text: string, width: number, align: 'right' | undefined): string {
  const cut = text.length > width ? `${text.slice(0, Math.max(0, width - 1))}…` : text;
  return align === 'right' ? cut.padStart(width) : cut.padEnd(width);
}
