import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { specialKind } from '../regular-file.ts';
import { notAnIgnoreFile } from './refusals.ts';

/** Git is nearly always done by then, and nothing has to be looked for. */
const SUSPICIOUS_AFTER_MS = 1_000;

/**
 * Git opens whatever is called `.gitignore`, and on a pipe it waits for ever. While the work takes suspiciously
 * long such a thing is looked for, and when there is one the work is aborted with the reason.
 * @throws BerthError `invalid-configuration` that names it; what `work` throws
 */
export async function guardIgnoreFiles<T>(
  dir: string,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const found = new AbortController();
  const over = new AbortController();
  const timer = setTimeout(() => {
    search(dir, '', over.signal).then(
      (bad) => bad !== null && found.abort(notAnIgnoreFile(bad.path, bad.kind)),
      () => {}, // the work itself says what cannot be read
    );
  }, SUSPICIOUS_AFTER_MS);
  try {
    return await work(signal === undefined ? found.signal : AbortSignal.any([signal, found.signal]));
  } finally {
    clearTimeout(timer);
    over.abort();
  }
}

/** Only what blocks whoever opens it: a directory of that name does not. */
async function search(root: string, base: string, signal: AbortSignal): Promise<{ path: string; kind: string } | null> {
  const entries = await readdir(join(root, base), { withFileTypes: true });
  signal.throwIfAborted();
  for (const entry of entries) {
    const path = base === '' ? entry.name : `${base}/${entry.name}`;
    const kind = specialKind(entry);
    if (entry.name === '.gitignore' && kind !== null && !entry.isDirectory() && !entry.isSymbolicLink())
      return { path, kind };
    if (!entry.isDirectory() || entry.name === '.git') continue;
    const below = await search(root, path, signal);
    if (below !== null) return below;
  }
  return null;
}
