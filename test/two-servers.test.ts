/**
 * Two servers, each with a home of its own, on one PostgreSQL and one shared folder: they share the work,
 * and whatever befalls one of them, every job runs once and ends right.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunView } from '@berth/core/api-schemas';
import { noPostgres, type PostgresServer, startPostgres } from '@berth/store/testing/postgres-server';
import { Home, until } from './home.ts';

/** Longer than a server may be silent. */
const LONGER_THAN_LEASE_MS = 20_000;

const LINES = 60;
const SCRIPT = `let i = 0; const t = setInterval(() => { console.log('line ' + i); if (++i === ${LINES}) clearInterval(t); }, 100);`;
const WANTED = `${Array.from({ length: LINES }, (_, i) => `line ${i}`).join('\n')}\n`;

/** Two homes that share a database. */
class Pair {
  readonly shared = mkdtempSync(join(tmpdir(), 'bs-'));
  readonly a = new Home();
  readonly b = new Home();
  readonly #postgres: PostgresServer;
  readonly #schema: string;

  private constructor(postgres: PostgresServer, schema: string) {
    this.#postgres = postgres;
    this.#schema = schema;
  }

  static async start(postgres: PostgresServer): Promise<Pair> {
    const pair = new Pair(postgres, await postgres.newSchema());
    await mkdir(join(pair.shared, 'server'), { recursive: true, mode: 0o700 });
    await writeFile(
      join(pair.shared, 'server', 'config.yml'),
      'projects:\n  - name: main\n    backends: [{ type: local }]\n',
    );
    for (const home of [pair.a, pair.b]) {
      await mkdir(join(home.dir, 'server'), { recursive: true, mode: 0o700 });
      const places = { database: postgres.url(pair.#schema), shared: pair.shared };
      await writeFile(join(home.dir, 'server', 'config.yml'), `${JSON.stringify(places)}\n`);
      await home.write('count.mjs', SCRIPT);
    }
    for (const home of [pair.a, pair.b]) {
      const { code, seen } = await home.berth(['server', 'start']);
      assert.equal(code, 0, seen);
    }
    // The first user's token was shown to the first server only.
    const [token] = readFileSync(join(pair.a.dir, 'config.yml'), 'utf8').match(/berth_\S+/) ?? [];
    const added = ['project', 'add', '--name', 'main', '--default', '--url', pair.b.serverUrl()];
    const { code, seen } = await pair.b.berth(added, { stdin: token ?? '' });
    assert.equal(code, 0, seen);
    await until(async () => (await pair.lanes()).length === 2, 'both have lanes');
    return pair;
  }

  /** How many each server holds. */
  async lanes(): Promise<number[]> {
    const rows = await this.#postgres.query(
      `SELECT count(*)::int AS held FROM ${this.#schema}.leases WHERE id LIKE 'lane-%' AND owner IS NOT NULL GROUP BY owner`,
    );
    return rows.map((row) => (row as { held: number }).held);
  }

  async apply(home: Home, names: readonly string[]): Promise<void> {
    for (const name of names) {
      const stdin = 'type: task\ncommands: [node count.mjs]\nartifacts: [count.mjs]\n';
      const { code, seen } = await home.berth(['apply', '-y', '-d', '-n', name, '-f', '-'], { stdin });
      assert.equal(code, 0, seen);
    }
  }

  /** Each is done, ran once, and its log is whole, whoever is asked. */
  async allWell(names: readonly string[], asked: readonly Home[]): Promise<void> {
    for (const name of names) {
      const [home] = asked as [Home];
      let run: RunView | null = null;
      await until(
        async () => {
          run = await home.json<RunView>(['run', 'get', name]);
          return run.finished_at !== null;
        },
        `${name} is finished`,
        90_000,
      );
      const { status, jobs } = run as unknown as RunView; // assigned in the closure
      assert.equal(status, 'done', JSON.stringify(run));
      assert.deepEqual(
        jobs.map(({ submission }) => submission),
        [0],
      );
      for (const one of asked) assert.equal((await one.berth(['logs', name])).stdout.toString(), WANTED, name);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.a[Symbol.asyncDispose]();
    await this.b[Symbol.asyncDispose]();
    rmSync(this.shared, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

const range = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

// They wait most of the time, so they wait together.
describe('two servers on one PostgreSQL', { skip: noPostgres, concurrency: true }, () => {
  let postgres: PostgresServer;
  before(async () => {
    postgres = await startPostgres();
  });
  after(() => postgres.remove());

  test('share the work, and each answers for all of it', async () => {
    await using pair = await Pair.start(postgres);
    const [a, b] = [range('a', 2), range('b', 2)];
    await pair.apply(pair.a, a);
    const following = [pair.a, pair.b].map((home) => home.start(['logs', '-f', 'a0']));
    await pair.apply(pair.b, b);
    await pair.allWell([...a, ...b], [pair.a, pair.b]);
    for (const { finished } of following) {
      const { stdout, seen } = await finished;
      assert.equal(stdout.toString(), WANTED, seen);
    }
  });

  test('kill -9 of one: the other takes over what it had', async (t) => {
    await using pair = await Pair.start(postgres);
    const names = [...range('a', 2), ...range('b', 2)];
    await pair.apply(pair.a, names.slice(0, 2));
    await pair.apply(pair.b, names.slice(2));
    await sleep(2_000);
    const killedAt = performance.now();
    await pair.b.killServer();
    await until(async () => (await pair.lanes()).length === 1, 'the other has all lanes');
    t.diagnostic(`taken over after ${((performance.now() - killedAt) / 1000).toFixed(1)} s`);
    await pair.allWell(names, [pair.a]);
  });

  test('one that is stopped for longer than its leases last wakes up to others doing its work', async () => {
    await using pair = await Pair.start(postgres);
    const names = [...range('a', 2), ...range('b', 2)];
    await pair.apply(pair.a, names.slice(0, 2));
    await pair.apply(pair.b, names.slice(2));
    await sleep(1_500);
    const pid = pair.b.serverPid();
    process.kill(pid, 'SIGSTOP');
    try {
      const late = range('late', 2);
      names.push(...late);
      await pair.apply(pair.a, late);
      await sleep(LONGER_THAN_LEASE_MS);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await pair.allWell(names, [pair.a, pair.b]);
    await until(async () => (await pair.lanes()).length === 2, 'it has its share again');
  });

  for (const how of ['stop', 'kill'] as const) {
    test(`a restart of PostgreSQL (${how}) costs time only`, async (t) => {
      const own = await startPostgres({ durable: how === 'kill' });
      t.after(() => own.remove());
      await using pair = await Pair.start(own);
      const names = [...range('a', 2), ...range('b', 2)];
      await pair.apply(pair.a, names.slice(0, 2));
      await pair.apply(pair.b, names.slice(2));
      await sleep(1_500);
      await own[how]();
      await sleep(3_000);
      await own.start();
      await pair.allWell(names, [pair.a, pair.b]);
      await until(async () => (await pair.lanes()).length === 2, 'both have lanes');
    });
  }
});
