/** The token on standard output, alone, so that it can be piped; the words around it beside. */
export function printNewToken(what: string, token: string): void {
  process.stderr.write(`${what}. The token is shown only now:\n`);
  process.stdout.write(`${token}\n`);
}
