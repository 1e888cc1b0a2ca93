import { readFileSync, statSync } from 'node:fs';
import { NotAFile, specialKind } from '@berth/client/regular-file';
import { describeSystemError, isSystemError, reasonOf } from '@berth/client/system-error';
import { BerthError } from '@berth/core/errors';
import type { ProjectEntry } from './project-entry.ts';
import { readSimpleConfig } from './simple-yaml.ts';

/**
 * The projects of `config.yml`; none when there is no file.
 * @throws BerthError `invalid-configuration` when it cannot be read or understood
 */
export async function readConfig(path: string): Promise<ProjectEntry[]> {
  let text: string;
  try {
    const kind = specialKind(statSync(path));
    // A pipe into which nobody writes would be waited for for ever.
    if (kind !== null) throw new NotAFile(path, kind);
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return [];
    const why = isSystemError(cause) ? describeSystemError(cause) : `${path} cannot be read: ${reasonOf(cause)}`;
    throw new BerthError('invalid-configuration', why, { cause });
  }
  const simple = readSimpleConfig(text) ?? (await readAnyYaml(text, path));
  return simple.map((entry, index) => {
    for (const key of ['name', 'url', 'token']) {
      if (!entry[key]) throw broken(path, `its project ${index + 1} has no \`${key}\``);
    }
    const { name = '', url = '', token = '' } = entry;
    if (!URL.canParse(url)) throw broken(path, `\`${url}\` of project \`${name}\` is not a URL`);
    return { name, url: url.replace(/\/+$/, ''), token, isDefault: entry.default === 'true' };
  });
}

async function readAnyYaml(text: string, path: string): Promise<Record<string, string>[]> {
  const { parseDocument } = await import('yaml');
  // With this schema every value is the text that was written: a token of digits stays a token.
  const document = parseDocument(text, { schema: 'failsafe', prettyErrors: true });
  const [error] = document.errors;
  if (error !== undefined) throw broken(path, error.message);
  const root: unknown = document.toJS({ maxAliasCount: 10 });
  if (root === null || root === '') return [];
  const projects = typeof root === 'object' && 'projects' in root ? root.projects : undefined;
  if (projects === '' || projects === null) return [];
  if (!Array.isArray(projects)) throw broken(path, 'it needs a list `projects`');
  return projects.map((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) throw broken(path, 'a project is a map');
    const texts = Object.entries(entry).filter((pair): pair is [string, string] => typeof pair[1] === 'string');
    return Object.fromEntries(texts);
  });
}

function broken(path: string, why: string): BerthError {
  return new BerthError('invalid-configuration', `${path} cannot be used: ${why}`, {
    hint: 'correct it: it needs `name`, `url` and `token` of each project (`berth project add` writes entries); keep its tokens, the server shows none again',
  });
}
