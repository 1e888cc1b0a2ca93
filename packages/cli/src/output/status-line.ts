import { printableLine } from './printable.ts';

/** One line at the bottom of a terminal that is written over again and again. */
export interface StatusLine {
  /** Elsewhere than on a terminal each new text is a line of its own. */
  show(text: string): void;
  /** Takes it away, so that something else can be printed. */
  clear(): void;
}

/** Nobody reads faster, and every write is a chance to flicker. */
const SHORTEST_MS = 50;

/**
 * `plain`: where no terminal is, print a line for each text that was not said yet, however its percentage grows;
 * otherwise nothing.
 */
export function statusLine(
  stream: NodeJS.WriteStream,
  plain = false,
  now: () => number = () => performance.now(),
): StatusLine {
  const said = new Set<string>();
  let shown = '';
  let shownAt = -Infinity;
  const columns = () => Math.max(10, stream.columns ?? 80);
  /** Where the window became narrower, the line has become several. */
  const erase = () => {
    const rows = Math.ceil(shown.length / columns());
    return `\r${rows > 1 ? `\x1b[${rows - 1}A` : ''}\x1b[J`;
  };
  return {
    show(given) {
      const text = printableLine(given);
      if (!stream.isTTY) {
        const news = text.replace(/:? *\d+ ?%.*$/, '');
        if (plain && !said.has(news)) stream.write(`${news}\n`);
        said.add(news);
        return;
      }
      const room = columns() - 1;
      const line = text.length > room ? `${text.slice(0, room - 1)}…` : text;
      const sameKind = line.replace(/[\d.]+/g, '') === shown.replace(/[\d.]+/g, '');
      if (line === shown || (sameKind && now() - shownAt < SHORTEST_MS)) return;
      stream.write(erase() + line);
      shown = line;
      shownAt = now();
    },
    clear() {
      if (shown !== '') stream.write(erase());
      shown = '';
    },
  };
}
