import { getSystemErrorMessage } from 'node:util';
import { styledError } from './style.ts';
import { say } from './write.ts';

/** What is done instead of ending: something must be removed first. */
let instead: (() => void) | null = null;

/** Until it is disposed, output that cannot be written calls `act` and ends nothing. */
export function insteadOfEnding(act: () => void): Disposable {
  instead = act;
  return {
    [Symbol.dispose]: () => {
      instead = null;
    },
  };
}

/**
 * What becomes of a process whose output cannot be written. `berth logs x | head` closes our standard
 * output while we still write: that is how pipes work and no error, so the process ends without a
 * word. A full disk is one: it ends with exit code 1 and says why, where it still can.
 */
export function endWhenOutputFails(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (instead !== null) return instead();
    if (error.code === 'EPIPE') process.exit(0);
    const why = error.errno === undefined ? error.message : getSystemErrorMessage(error.errno);
    say(`${styledError('red', 'error:')} the output cannot be written: ${why}\n`);
    process.exit(1);
  });
  process.stderr.on('error', (error: NodeJS.ErrnoException) => {
    if (instead !== null) return instead();
    process.exit(error.code === 'EPIPE' ? 0 : 1);
  });
}

/** Writes and resolves when the reader can take more. */
export function writeOut(chunk: string | Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    if (process.stdout.write(chunk)) resolve();
    else process.stdout.once('drain', resolve);
  });
}
