/**
 * As `crash-child.ts`, on PostgreSQL: moves money between two rows for ever, and tells each commit.
 * `node postgres-child.ts <url>`. With `slowly` behind it, it tells "in the middle" and stays there for a second.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { openPostgresStore } from '../postgres.ts';

const [url, slowly] = process.argv.slice(2);
if (!url) throw new Error('the URL of a database is missing');
const store = await openPostgresStore({ url });
for (;;) {
  const commits = await store.transaction(async (tables) => {
    const [a, b] = [await tables.jobs.get('a'), await tables.jobs.get('b')];
    if (!a || !b) throw new Error('rows are missing');
    await tables.jobs.update('a', a.version, { logBytes: (a.logBytes ?? 0) + 1 });
    if (slowly) {
      process.stdout.write('in the middle\n');
      await sleep(1_000);
    }
    await tables.jobs.update('b', b.version, { logBytes: (b.logBytes ?? 0) - 1 });
    return a.version;
  });
  process.stdout.write(`${commits}\n`);
}
