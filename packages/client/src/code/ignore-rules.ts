import { join, posix } from 'node:path';
import ignore from 'ignore';
import { NotAFile, openRegularFile } from '../regular-file.ts';
import { notAnIgnoreFile, notReadable } from './refusals.ts';

/**
 * Files that name what stays at home. `.gitignore` is git's; the others also hold for files that git
 * tracks, and the last is for projects that come from dstack.
 */
export const OWN_IGNORE_FILES = ['.berthignore', '.dstackignore'];
export const ALL_IGNORE_FILES = ['.gitignore', ...OWN_IGNORE_FILES];

/** The rules of one directory and of those above it. Deeper rules win, as in git. */
export class IgnoreRules {
  readonly #levels: readonly { readonly base: string; readonly rules: ignore.Ignore }[];

  constructor(levels: IgnoreRules['levels'] = []) {
    this.#levels = levels;
  }

  get levels(): readonly { readonly base: string; readonly rules: ignore.Ignore }[] {
    return this.#levels;
  }

  /**
   * With the rules of a directory added.
   * @param base path from the root, with slashes, '' for the root itself
   */
  with(base: string, text: string): IgnoreRules {
    // Names that differ only in case are different names where jobs run.
    const rules = ignore({ ignorecase: false }).add(text);
    return new IgnoreRules([...this.#levels, { base, rules }]);
  }

  /**
   * With what the ignore files of a directory say; a file that is not there says nothing.
   * @throws BerthError `invalid-configuration` for one that is no file, or cannot be read
   */
  async withFilesOf(root: string, base: string, names: readonly string[]): Promise<IgnoreRules> {
    let rules: IgnoreRules = this;
    for (const name of names) {
      const text = await readIgnoreFile(root, base === '' ? name : `${base}/${name}`);
      if (text !== null) rules = rules.with(base, text);
    }
    return rules;
  }

  ignores(path: string, directory: boolean): boolean {
    let ignored = false;
    for (const { base, rules } of this.#levels) {
      if (base !== '' && !path.startsWith(`${base}/`)) continue;
      const relative = posix.relative(base, path);
      const verdict = rules.test(directory ? `${relative}/` : relative);
      if (verdict.ignored) ignored = true;
      else if (verdict.unignored) ignored = false;
    }
    return ignored;
  }
}

/** Null: there is none. */
async function readIgnoreFile(root: string, path: string): Promise<string | null> {
  try {
    await using handle = await openRegularFile(join(root, path));
    return await handle.readFile('utf8');
  } catch (error) {
    if (error instanceof NotAFile) throw notAnIgnoreFile(path, error.kind);
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    // A link to nowhere, or a link to itself, leaves nothing out either.
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return null;
    throw notReadable(path, error);
  }
}
