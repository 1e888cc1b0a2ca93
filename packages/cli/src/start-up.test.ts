import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { json, startFakeServer } from '@berth/client/fake-server';
import { VERSION } from '@berth/core/version';
import { BIN, world } from './testing/berth.ts';
import { runView } from './testing/views.ts';

/** Writes the address of every module that is asked for into the file that MODULES_FILE names. */
const RECORDER = `
import { appendFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
registerHooks({ resolve(specifier, context, next) {
  const found = next(specifier, context);
  appendFileSync(process.env.MODULES_FILE, found.url + '\\n');
  return found;
} });
`;

test('`--version` loads none of our modules, and `ps` no parser of YAML or schemas', async () => {
  await using server = await startFakeServer();
  server.on('GET /projects/main/runs', json({ runs: [runView()], next: null }));
  await using w = await world(server.url);
  const recorder = await w.write('recorder.mjs', RECORDER);
  const loaded = async (...words: string[]) => {
    const file = join(w.cwd, `modules-${words[0]}`);
    const env = { NODE_OPTIONS: `--import=${pathToFileURL(recorder).href}`, MODULES_FILE: file };
    const result = await w.berth(words, { env });
    assert.equal(result.code, 0, result.stderr);
    const urls = (await readFile(file, 'utf8')).split('\n').filter((url) => url.startsWith('file:'));
    return [...new Set(urls)];
  };
  assert.deepEqual(
    (await loaded('--version')).filter((url) => !url.endsWith('/bin/berth.js')),
    [],
  );
  const modules = await loaded('ps');
  const forbidden = modules.filter((url) => /\/(zod|yaml|tar|ignore|fastify)\/|api-schemas|configuration/.test(url));
  assert.deepEqual(forbidden, []);
  assert.ok(modules.some((url) => url.endsWith('/commands/ps.ts')));
  // What `ps` needs and a little room: every further file costs every command half a millisecond.
  assert.ok(modules.length <= 50, `${modules.length} modules`);
  const others = modules.filter((url) => /\/commands\/(?!ps\.ts)/.test(url));
  assert.deepEqual(others, []);
});

test('the version is the one of the package and of the API', async () => {
  await using w = await world(null);
  for (const flag of ['--version', '-v']) {
    assert.equal((await w.berth([flag])).stdout, `berth ${VERSION}\n`);
  }
});

test('bug: `npx berth` in a clone ran the build that `npm pack` had left there, and not the source', async () => {
  await using w = await world(null);
  const told = async (build: string): Promise<string> => {
    await w.write(`${build}/dist/cli/main.js`, 'console.log("built")');
    await w.write(`${build}/package.json`, '{ "type": "module" }');
    const launcher = await w.write(`${build}/dist/bin/berth.js`, await readFile(BIN));
    return execFileSync(process.execPath, [launcher], { encoding: 'utf8', env: { ...process.env, ...w.env } }).trim();
  };
  await w.write('clone/packages/cli/src/main.ts', 'console.log("source" as string)');
  assert.equal(await told('clone'), 'source');
  assert.equal(await told('installed'), 'built');
});

const old = olderNode();

test('an older Node hands over to the one that Berth brings', {
  skip: old === null && 'no older Node here',
}, async () => {
  await using w = await world(null);
  const result = await w.berth(['schema'], { node: old ?? '' });
  assert.equal(result.code, 0, result.stderr);
  assert.match(result.stdout, /json-schema/);
  const mistake = await w.berth(['frobnicate'], { node: old ?? '' });
  assert.equal(mistake.code, 2);
});

test('where there is no newer Node, that is said', { skip: old === null && 'no older Node here' }, async () => {
  await using w = await world(null);
  const result = await w.berth(['ps'], { node: old ?? '', env: { BERTH_NODE_TRIED: '1' } });
  assert.equal(result.code, 1);
  assert.match(result.stderr, /^error: Berth needs Node 24 or later; this is \d+/);
  assert.match(result.stderr, /hint: /);
});

/** One that is on the path besides ours. */
function olderNode(): string | null {
  for (const dir of (process.env.PATH ?? '').split(':')) {
    const path = join(dir, 'node');
    try {
      const major = Number(
        execFileSync(path, ['-p', 'process.versions.node.split(".")[0]'], { encoding: 'utf8', stdio: 'pipe' }),
      );
      if (major >= 18 && major < 24) return path;
    } catch {
      // There is none here.
    }
  }
  return null;
}

test('the launcher is a program', () => {
  assert.match(execFileSync(BIN, ['--version'], { encoding: 'utf8' }), /^berth /);
});
