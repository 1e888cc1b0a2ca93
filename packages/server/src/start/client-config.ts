import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Secret } from '@berth/core/secret';
import { isMissing } from '../logs/job-log.ts';

export interface ClientEntry {
  readonly project: string;
  readonly url: string;
  readonly token: Secret<string>;
}

const COMMENT = '# Projects that the `berth` command knows: each with its server and your token there.\n';

/**
 * Puts this server's first project into the configuration of the command line, so that whoever started
 * the server can use it at once. What is there already stays; only a first entry becomes the default.
 */
export async function addClientEntry(path: string, entry: ClientEntry): Promise<void> {
  const text = readIfThere(path);
  const plain = {
    name: entry.project,
    url: entry.url,
    token: entry.token.reveal(),
  };
  if (text === null || text.trim() === '') {
    const lines = Object.entries({ ...plain, default: 'true' }).map(([key, value]) => `${key}: ${value}`);
    return write(path, `${COMMENT}projects:\n  - ${lines.join('\n    ')}\n`);
  }
  const { parseDocument, YAMLSeq } = await import('yaml');
  const document = parseDocument(text);
  if (document.errors.length > 0) throw new Error(`${path} is not YAML: ${document.errors[0]?.message}`);
  const known = document.get('projects');
  const names = known instanceof YAMLSeq ? namesOf(known.toJSON()) : [];
  if (!(known instanceof YAMLSeq)) document.set('projects', document.createNode([]));
  const name = names.includes(plain.name) ? `${plain.name}-here` : plain.name;
  document.addIn(
    ['projects'],
    document.createNode({ ...plain, name, ...(names.length === 0 ? { default: true } : {}) }),
  );
  write(path, document.toString());
}

function namesOf(entries: unknown): unknown[] {
  if (!Array.isArray(entries)) return [];
  return entries.map((entry: unknown) =>
    typeof entry === 'object' && entry !== null && 'name' in entry ? entry.name : null,
  );
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** It holds a token: only its owner may read it, and nobody sees half of it. */
function write(path: string, text: string): void {
  const beside = `${path}.${process.pid}`;
  writeFileSync(beside, text, { mode: 0o600, flush: true });
  renameSync(beside, path);
}
