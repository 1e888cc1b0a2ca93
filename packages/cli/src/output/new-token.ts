import { print, say } from './write.ts';

/** The token on standard output, alone, so that it can be piped; the words around it beside. */
export function printNewToken(what: string, token: string): void {
  say(`${what}. The token is shown only now:\n`);
  print(`${token}\n`);
}
