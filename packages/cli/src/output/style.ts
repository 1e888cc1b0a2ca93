import { styleText } from 'node:util';
import { printable } from './printable.ts';

type Format = Parameters<typeof styleText>[0];

/**
 * Stands for the escape character of our own styles until they are written. Nobody outside this process can
 * know it, so what others wrote cannot pass for a style.
 */
const SEAL = `\ufdd0${Math.random().toString(36).slice(2)}`;

/** Coloured when the stream is a terminal that wants colours; `NO_COLOR` and `FORCE_COLOR` count. For `write` alone. */
export function styledFor(stream: NodeJS.WriteStream, format: Format, text: string): string {
  return styleText(format, printable(text), { stream }).replaceAll('\x1b', SEAL);
}

export function styled(format: Format, text: string): string {
  return styledFor(process.stdout, format, text);
}

export function styledError(format: Format, text: string): string {
  return styledFor(process.stderr, format, text);
}

/** Text as it goes to a terminal: in our styles, and with everything else made visible that a terminal would obey. */
export function unsealed(text: string): string {
  return printable(text).replaceAll(SEAL, '\x1b');
}
