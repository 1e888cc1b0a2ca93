/**
 * Writes `0001-initial.ts` from `tables.ts`, and this version's dump after it:
 * `node packages/store/src/migrations/write-initial.ts`.
 * Only for as long as no version was released; after that a change of `tables.ts` is a new migration.
 */
import { writeFileSync } from 'node:fs';
import { sqlite } from '../dialect.ts';
import { createStatements } from '../sql.ts';
import { tableShape } from '../table-shape.ts';
import { TABLE_NAMES } from '../tables.ts';

const statements = TABLE_NAMES.flatMap((name) => createStatements(sqlite, tableShape(name)));
writeFileSync(
  new URL('0001-initial.ts', import.meta.url),
  `import type { Migration } from './index.ts';

export const initial: Migration = {
  number: 1,
  name: 'initial',
  sqlite: [
${statements.map((sql) => `    \`${sql.replaceAll('\n', '\n    ')}\`,`).join('\n')}
  ],
};
`,
);

// Imported only now, since it reads what was just written.
await import('./write-release.ts');
