/**
 * Writes `0002-postgres-schema.ts` from `tables.ts`: `node packages/store/src/migrations/write-postgres-schema.ts`.
 * Only until the version that brings it is released; after that a change of `tables.ts` is a new migration.
 */
import { writeFileSync } from 'node:fs';
import { postgres } from '../dialect.ts';
import { createStatements } from '../sql.ts';
import { tableShape } from '../table-shape.ts';
import { TABLE_NAMES } from '../tables.ts';

const statements = TABLE_NAMES.flatMap((name) => createStatements(postgres, tableShape(name)));
writeFileSync(
  new URL('0002-postgres-schema.ts', import.meta.url),
  `/** Everything that 0001 and 0002 lead to: Postgres was not served before. */
export const POSTGRES_SCHEMA: readonly string[] = [
${statements.map((sql) => `  \`${sql.replaceAll('\n', '\n  ')}\`,`).join('\n')}
];
`,
);
