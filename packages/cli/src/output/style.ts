import { styleText } from 'node:util';

type Format = Parameters<typeof styleText>[0];

/** Coloured when the stream is a terminal that wants colours; `NO_COLOR` and `FORCE_COLOR` count. */
export function styledFor(stream: NodeJS.WriteStream, format: Format, text: string): string {
  return styleText(format, text, { stream });
}

export function styled(format: Format, text: string): string {
  return styledFor(process.stdout, format, text);
}

export function styledError(format: Format, text: string): string {
  return styledFor(process.stderr, format, text);
}
