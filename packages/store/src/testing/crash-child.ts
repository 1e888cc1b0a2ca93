/**
 * Moves money between two rows for ever, so that their sum never changes, and tells each commit. To be
 * killed at any moment: `node crash-child.ts <database>`.
 */
import { setImmediate as soon } from 'node:timers/promises';
import { openSqliteStore } from '../sqlite.ts';
import { sample } from './samples.ts';

const path = process.argv[2];
if (!path) throw new Error('the path of a database is missing');
const store = openSqliteStore({ path });
await store.transaction(async (tables) => {
  if (await tables.jobs.count()) return;
  await tables.jobs.insert(sample('jobs', { id: 'a' as never, node: 0, logBytes: 0 })); // any id will do
  await tables.jobs.insert(sample('jobs', { id: 'b' as never, node: 1, logBytes: 0 }));
});
for (;;) {
  const commits = await store.transaction(async (tables) => {
    const [a, b] = [await tables.jobs.get('a'), await tables.jobs.get('b')];
    if (!a || !b) throw new Error('rows are missing');
    await tables.jobs.update('a', a.version, { logBytes: (a.logBytes ?? 0) + 1 });
    // Most of the time is spent here, in the middle of the transaction.
    await soon();
    await tables.jobs.update('b', b.version, { logBytes: (b.logBytes ?? 0) - 1 });
    return a.version;
  });
  process.stdout.write(`${commits}\n`);
}
