/**
 * The cells of one CSV line (RFC 4180, no line ends inside cells). Null when the line is none: a quote
 * that is never closed, or text behind a closing one; a file that was cut off ends so.
 */
export function splitCsvLine(line: string): string[] | null {
  const cells: string[] = [];
  let at = 0;
  for (;;) {
    if (line[at] === '"') {
      const quoted = readQuoted(line, at + 1);
      if (quoted === null) return null;
      cells.push(quoted.text);
      at = quoted.end;
      if (at < line.length && line[at] !== ',') return null;
    } else {
      const comma = line.indexOf(',', at);
      const end = comma === -1 ? line.length : comma;
      cells.push(line.slice(at, end));
      at = end;
    }
    if (at >= line.length) return cells;
    at += 1;
  }
}

/** From behind the opening quote to behind the closing one; two quotes are one. */
function readQuoted(line: string, from: number): { text: string; end: number } | null {
  let text = '';
  for (let at = from; ; ) {
    const quote = line.indexOf('"', at);
    if (quote === -1) return null;
    text += line.slice(at, quote);
    if (line[quote + 1] !== '"') return { text, end: quote + 1 };
    text += '"';
    at = quote + 2;
  }
}
