import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { postgres, sqlite } from './dialect.ts';
import {
  countStatement,
  createStatements,
  cursorStatement,
  deleteStatement,
  insertStatement,
  selectStatement,
  updateStatement,
} from './sql.ts';
import { tableShape } from './table-shape.ts';
import { TABLE_NAMES } from './tables.ts';
import { SAMPLES } from './testing/samples.ts';

const runs = tableShape('runs');
const tokens = tableShape('tokens');

/** Without the list of columns. */
const short = (sql: string) => sql.replace(/^SELECT .*? FROM/, 'SELECT … FROM');

describe('the same query in both dialects', () => {
  const where = {
    projectId: 'p',
    live: true,
    status: { in: ['done', 'failed', 'running'] },
    startedAt: { gte: 1, lt: 9 },
  };

  test('differs in parameters and in how null is ordered', () => {
    const query = { where, orderBy: ['startedAt', 'desc'] as const, limit: 5, after: 'r7' };
    const inSqlite = selectStatement(sqlite, runs, query, 4);
    assert.equal(
      short(inSqlite.sql),
      'SELECT … FROM "runs" WHERE "project_id" = ? AND "live" = TRUE AND "status" IN (?, ?, ?, ?) AND "started_at" >= ? AND "started_at" < ?' +
        ' AND (("started_at", "id") < (?, ?) OR "started_at" IS NULL) ORDER BY "started_at" DESC, "id" DESC LIMIT ?',
    );
    const inPostgres = selectStatement(postgres, runs, query, 4);
    assert.equal(
      short(inPostgres.sql),
      'SELECT … FROM "runs" WHERE "project_id" = $1 AND "live" = TRUE AND "status" IN ($2, $3, $4, $5) AND "started_at" >= $6 AND "started_at" < $7' +
        ' AND (("started_at", "id") < ($8, $9) OR "started_at" IS NULL) ORDER BY "started_at" DESC NULLS LAST, "id" DESC LIMIT $10',
    );
    assert.deepEqual(inPostgres.values, ['p', 'done', 'failed', 'running', 'running', 1, 9, 4, 'r7', 5]);
    assert.deepEqual(inSqlite.values, inPostgres.values);
  });

  test('booleans travel as each database likes them', () => {
    const row = { ...SAMPLES.runs };
    const at = runs.columns.findIndex((column) => column.name === 'live');
    assert.equal(insertStatement(sqlite, runs, row).values[at], 1);
    assert.equal(insertStatement(postgres, runs, row).values[at], true);
  });

  test('every table can be created in both', () => {
    for (const name of TABLE_NAMES) {
      assert.match(createStatements(sqlite, tableShape(name))[0] ?? '', /STRICT$/);
      assert.match(createStatements(postgres, tableShape(name))[0] ?? '', /"id" TEXT COLLATE "C" NOT NULL PRIMARY KEY/);
    }
  });
});

describe('the text of a statement', () => {
  test('never holds a value of the caller', () => {
    const evil = `x' OR '1'='1"; DROP TABLE runs; --`;
    const statements = [
      selectStatement(sqlite, runs, { where: { name: evil, status: { not: evil } }, after: evil }),
      countStatement(sqlite, runs, { name: { in: [evil] } }),
      updateStatement(sqlite, runs, evil, 1, { message: evil }),
      deleteStatement(sqlite, runs, { name: evil }),
      insertStatement(sqlite, runs, { ...SAMPLES.runs, name: evil }),
      cursorStatement(sqlite, runs, { after: evil, orderBy: ['name', 'asc'] }),
    ];
    for (const statement of statements) {
      assert.ok(statement && !statement.sql.includes('DROP'));
      assert.ok(statement.values.includes(evil));
    }
  });

  test('is the same for all values of one shape, and for lists of about one length', () => {
    const text = (where: object) => countStatement(sqlite, tokens, where).sql;
    assert.equal(text({ name: 'a', expiresAt: { lt: 1 } }), text({ name: 'b', expiresAt: { lt: 2 } }));
    assert.equal(
      text({ name: { in: ['a', 'b', 'c', 'd', 'e'] } }),
      text({ name: { in: ['1', '2', '3', '4', '5', '6', '7', '8'] } }),
    );
  });

  test('names the constant of a partial index, which a planner does not see in a parameter', () => {
    const { sql, values } = countStatement(sqlite, tableShape('intents'), { status: 'open', kind: 'instance.create' });
    assert.match(sql, /"status" = 'open' AND "kind" = \?/);
    assert.deepEqual(values, ['instance.create']);
  });
});

test('no two unique indexes of a table have the same columns: SQLite tells by them which one refused', () => {
  const names = new Set<string>();
  for (const name of TABLE_NAMES) {
    const unique = tableShape(name).indexes.filter((index) => index.unique);
    assert.equal(new Set(unique.map((index) => index.columns.map((column) => column.name).join())).size, unique.length);
    for (const index of tableShape(name).indexes) {
      assert.ok(!names.has(index.name), `${index.name} is there twice`);
      names.add(index.name);
    }
  }
});
