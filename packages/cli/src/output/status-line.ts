import { printableLine } from './printable.ts';

/** One line at the bottom of a terminal that is written over again and again. */
export interface StatusLine {
  /** Elsewhere than on a terminal each new text is a line of its own. */
  show(text: string): void;
  /** Takes it away, so that something else can be printed. */
  clear(): void;
}

const ERASE = '\r\x1b[K';

/** `plain`: where no terminal is, print a line for each text that differs from the last; otherwise nothing. */
export function statusLine(stream: NodeJS.WriteStream, plain = false): StatusLine {
  let shown = '';
  let visible = false;
  return {
    show(said) {
      const text = printableLine(said);
      if (!stream.isTTY) {
        if (plain && text !== shown) stream.write(`${text}\n`);
        shown = text;
        return;
      }
      if (visible && text === shown) return;
      const room = Math.max(10, (stream.columns ?? 80) - 1);
      stream.write(ERASE + (text.length > room ? `${text.slice(0, room - 1)}…` : text));
      shown = text;
      visible = true;
    },
    clear() {
      if (visible) stream.write(ERASE);
      visible = false;
    },
  };
}
