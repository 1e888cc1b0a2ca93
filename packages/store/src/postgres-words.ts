/**
 * What servers on one database tell each other through NOTIFY. Pure. A payload is the sender, a letter and
 * the rest: `k3x c [["runs","r1"]]`, `k3x a any text`.
 */
import type { TableName } from './rows.ts';
import type { RowChange } from './store.ts';
import { TABLE_NAMES } from './tables.ts';

export type Word =
  | { readonly kind: 'changes'; readonly changes: readonly RowChange[] }
  | { readonly kind: 'announcement'; readonly message: string }
  /** More was changed than can be told. */
  | { readonly kind: 'missed' };

/** Postgres takes less than 8,000 bytes; the sender and the letter go on top. */
const MAX_BYTES = 7_900;
/** What a listener does with more than some 10,000 rows is nothing else than to look at everything again. */
const MAX_PARTS = 64;

export function tellChanges(sender: string, changes: readonly RowChange[]): readonly string[] {
  const parts: string[] = [];
  let part = '';
  for (const { table, id } of changes) {
    const entry = JSON.stringify([table, id]);
    if (Buffer.byteLength(entry) + 2 > MAX_BYTES) return [`${sender} m `];
    if (part !== '' && Buffer.byteLength(part) + Buffer.byteLength(entry) + 3 > MAX_BYTES) {
      parts.push(part);
      part = '';
    }
    part += part === '' ? entry : `,${entry}`;
  }
  if (part !== '') parts.push(part);
  if (parts.length > MAX_PARTS) return [`${sender} m `];
  return parts.map((entries) => `${sender} c [${entries}]`);
}

export const tellAnnouncement = (sender: string, message: string): string => `${sender} a ${message}`;

const known: ReadonlySet<string> = new Set(TABLE_NAMES);

/** Null for the receiver's own words, and for what a newer Berth may say. */
export function hear(payload: string, receiver: string): Word | null {
  const [, sender, letter, rest = ''] = /^(\S+) (\w) (.*)$/s.exec(payload) ?? [];
  if (sender === undefined || sender === receiver) return null;
  if (letter === 'm') return { kind: 'missed' };
  if (letter === 'a') return { kind: 'announcement', message: rest };
  if (letter !== 'c') return null;
  // Only servers on this database speak on this channel.
  const entries = JSON.parse(rest) as readonly (readonly [string, string])[];
  const changes = entries.flatMap(([table, id]) => (known.has(table) ? [{ table: table as TableName, id }] : []));
  return { kind: 'changes', changes };
}
