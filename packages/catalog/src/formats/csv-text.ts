/** Writes CSV as Python's `csv` module does by default: CRLF, quotes only where they are needed. */

const NEEDS_QUOTES = /[",\r\n]/;

export function csvRow(cells: readonly string[]): string {
  // A row of one empty cell would be a blank line, which readers skip.
  if (cells.length === 1 && cells[0] === '') return '""\r\n';
  return `${cells.map(csvCell).join(',')}\r\n`;
}

function csvCell(text: string): string {
  return NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
