/** The cloud's own command line, for its keys: `node cli.ts key create NAME [--read-only] [--expires 1h] --data DIR`. */
import { parseArgs } from 'node:util';
import { openDatabase } from './database.ts';
import { FOR_EVER, Keys } from './keys.ts';

const USAGE = `usage: node cli.ts key create NAME [--read-only] [--expires 30s|15m|1h|7d] --data DIR
       node cli.ts key list --data DIR
       node cli.ts key revoke ID --data DIR`;

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** @returns milliseconds */
function parseDuration(text: string): number {
  const [, count, unit] = /^(\d+)([smhd])$/.exec(text) ?? [];
  const unitMs = UNIT_MS[unit ?? ''];
  if (unitMs === undefined) throw new Error(`"${text}" is no duration; write 30s, 15m, 1h or 7d`);
  return Number(count) * unitMs;
}

/** @returns what is to be printed */
function run(args: readonly string[]): string {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { data: { type: 'string' }, 'read-only': { type: 'boolean' }, expires: { type: 'string' } },
  });
  const [noun, verb, subject] = positionals;
  if (noun !== 'key' || values.data === undefined) throw new Error(USAGE);
  const db = openDatabase(values.data);
  const keys = new Keys(db);
  const now = Date.now();
  try {
    if (verb === 'create' && subject !== undefined) {
      const expiresAt = values.expires === undefined ? null : now + parseDuration(values.expires);
      return keys.create({ name: subject, readOnly: values['read-only'] ?? false, expiresAt }, now).key;
    }
    if (verb === 'revoke' && subject !== undefined) {
      if (!keys.revoke(subject, FOR_EVER)) throw new Error(`there is no key ${subject}; see: key list`);
      return `${subject} is revoked`;
    }
    if (verb !== 'list') throw new Error(USAGE);
    return keys
      .list()
      .map((key) => {
        const state =
          key.revokedUntil !== null && key.revokedUntil > now
            ? 'revoked'
            : key.expiresAt === null
              ? ''
              : `expires ${new Date(key.expiresAt).toISOString()}`;
        return [key.id, key.name, key.readOnly ? 'read-only' : 'read-write', state].join('  ').trimEnd();
      })
      .join('\n');
  } finally {
    db.close();
  }
}

try {
  console.log(run(process.argv.slice(2)));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
