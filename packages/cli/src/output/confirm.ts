import { usageError } from '../usage-error.ts';
import { EXIT_INTERRUPTED, Reported } from './error.ts';
import { unsealed } from './style.ts';
import { say } from './write.ts';

/**
 * Asks on the terminal. Only `y` and `yes` mean yes.
 * @throws BerthError where nobody can answer: a script has to say `-y`
 */
export async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw usageError('this needs a yes, and standard input is no terminal', 'say yes beforehand with `-y`');
  }
  const answer = await ask(`${question} [y/n]: `);
  return /^y(es)?$/i.test(answer.trim());
}

/** One line from the terminal; what is typed is shown unless `hidden`. */
export async function ask(prompt: string, options: { readonly hidden?: boolean } = {}): Promise<string> {
  const { createInterface } = await import('node:readline');
  const lines = createInterface({ input: process.stdin, output: process.stderr, terminal: true });
  if (options.hidden === true) hideTyping(lines);
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.once('SIGINT', () => {
        say('\nNothing was changed.\n');
        reject(new Reported(EXIT_INTERRUPTED));
      });
      lines.once('close', () => resolve('')); // Ctrl-D
      lines.question(unsealed(prompt), (answer) => {
        if (options.hidden === true) say('\n');
        resolve(answer);
      });
    });
  } finally {
    lines.close();
  }
}

/** The library shows every key; here only the prompt and the line's end may be seen. */
function hideTyping(lines: object): void {
  const written = lines as { _writeToOutput?: (text: string) => void }; // documented nowhere, used everywhere
  let prompted = false;
  written._writeToOutput = (text) => {
    if (!prompted) process.stderr.write(text); // the library's own way of drawing the prompt
    prompted = true;
  };
}
