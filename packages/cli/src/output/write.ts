/**
 * The one way of text to the terminal. A job's log goes another (`pipe.ts`), byte for byte, and so does what
 * programs read (`json.ts`).
 */
import { unsealed } from './style.ts';

/** What was asked for, on standard output. */
export function print(text: string): void {
  process.stdout.write(unsealed(text));
}

/** What is said beside it, on standard error. */
export function say(text: string): void {
  process.stderr.write(unsealed(text));
}
