/**
 * `berth logs x | head` closes our standard output while we still write: that is how pipes work and
 * no error, so the process ends without a word.
 */
export function quietWhenPipeCloses(): void {
  const onError = (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  };
  process.stdout.on('error', onError);
  process.stderr.on('error', onError);
}

/** Writes and resolves when the reader can take more. */
export function writeOut(chunk: string | Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    if (process.stdout.write(chunk)) resolve();
    else process.stdout.once('drain', resolve);
  });
}
