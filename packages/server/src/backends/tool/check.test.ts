import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { HTTP_KEYS, HttpCloud } from '@berth/backend/conformance/testing/http-cloud';
import type { BackendTool, LiveOptions, RuleResult } from '@berth/core/backend-tool';
import { openBackendTool } from '../../backend-tool.ts';

const CLI = join(import.meta.dirname, '../../../../cli/bin/berth.js');
const LIVE: LiveOptions = { maxSpend: 5, maxTimeMs: 120_000, entryFile: null };

async function setup(t: TestContext) {
  const home = await mkdtemp(join(tmpdir(), 'berth-check-'));
  t.after(() => rm(home, { recursive: true, force: true, maxRetries: 3 }));
  const tool: BackendTool = await openBackendTool({
    home,
    env: {},
    cwd: home,
    signal: new AbortController().signal,
    progress: () => {},
    warn: () => {},
  });
  const check = async (name: string, rules: readonly string[], live: LiveOptions | null = null) => {
    const told: RuleResult[] = [];
    const report = await tool.check(name, { rules, live }, (result) => told.push(result));
    assert.deepEqual(told, report.results);
    return report;
  };
  return { home, tool, check };
}

/** A cloud in this process, its backend in the home, its account in config.yml. */
async function withCloud(t: TestContext) {
  const all = await setup(t);
  const cloud = new HttpCloud();
  const url = await cloud.listen();
  t.after(() => cloud.close());
  const dir = join(all.home, 'backends', 'http');
  await mkdir(dir, { recursive: true });
  const manifest = { name: 'http', type: 'module', berth: { backend: './index.ts' } };
  await writeFile(join(dir, 'package.json'), JSON.stringify(manifest));
  const code = import.meta.resolve('@berth/backend/conformance/testing/http-backend');
  await writeFile(
    join(dir, 'index.ts'),
    `import { httpBackend } from '${code}';\nexport default httpBackend('${url}');\n`,
  );
  await mkdir(join(all.home, 'server'), { recursive: true, mode: 0o700 });
  const credentials = `{ type: api_key, api_key: ${HTTP_KEYS.good} }`;
  const config = `projects:\n- name: main\n  backends:\n  - type: http\n    url: ${url}\n    credentials: ${credentials}\n`;
  await writeFile(join(all.home, 'server', 'config.yml'), config, { mode: 0o600 });
  const fake = cloud.fake(url);
  const billed = async (): Promise<number> => (await fake.machines()).filter((machine) => machine.billed).length;
  const journals = async (): Promise<readonly string[]> =>
    (await readdir(join(all.home, 'checks'))).filter((name) => name.endsWith('.journal'));
  return { ...all, cloud, fake, billed, journals };
}

test('a backend is named by its type, or by its folder', async (t) => {
  const { home, check } = await setup(t);
  const byType = await check('local', ['C10']);
  assert.deepEqual([byType.backend, byType.ok, byType.passed], ['local', true, 2]);
  const source = join(import.meta.dirname, '../../../../../backends/lambda');
  await cp(source, join(home, 'copied'), { recursive: true });
  const byPath = await check('./copied', ['C12']);
  assert.equal(byPath.failed, 1, 'it has the type of one that is installed');
  await assert.rejects(check('lamda', []), { code: 'not-found', hint: 'Did you mean `lambda`?' });
  await assert.rejects(check('./nowhere', []), { code: 'not-found' });
  await assert.rejects(check('local', ['C77']), { code: 'invalid-request' });
});

test('a backend with a syntax error is told with the reason', async (t) => {
  const { home, check } = await setup(t);
  await mkdir(join(home, 'broken'));
  await writeFile(join(home, 'broken', 'package.json'), '{"type":"module","berth":{"backend":"./index.js"}}');
  await writeFile(join(home, 'broken', 'index.js'), 'export default {');
  await assert.rejects(check('./broken', []), /cannot be loaded.*SyntaxError/);
});

describe('a real account', { concurrency: true }, () => {
  test('is checked, and nothing is left on it', async (t) => {
    const { check, billed, journals, cloud } = await withCloud(t);
    const report = await check('http', ['C1', 'C4.2', 'C17.1', 'W6'], LIVE);
    const wrong = report.results.filter(({ outcome }) => outcome === 'failed');
    assert.deepEqual(
      wrong.map(({ id, failures }) => [id, failures]),
      [],
    );
    assert.deepEqual([report.against, report.spent > 0, report.passed >= 4], ['account', true, true]);
    assert.ok(cloud.machines.length > 0);
    assert.deepEqual([await billed(), await journals()], [0, []]);
  });

  test('is left without machines by Ctrl-C, also by two', async (t) => {
    const { home, billed, journals, cloud } = await withCloud(t);
    const child = checkInChild(home);
    await machineMade(cloud);
    child.kill('SIGINT');
    child.kill('SIGINT');
    const [code] = await once(child, 'exit');
    assert.equal(code, 130);
    assert.deepEqual([await billed(), await journals()], [0, []]);
  });

  test('regression: is left without machines by a terminal that is closed, or output that nobody reads any more', async (t) => {
    const { home, billed, journals, cloud } = await withCloud(t);
    const child = checkInChild(home);
    await machineMade(cloud);
    child.kill('SIGHUP');
    const [code] = await once(child, 'exit');
    assert.equal(code, 130);
    assert.deepEqual([await billed(), await journals()], [0, []]);

    const unread = checkInChild(home, 'pipe');
    unread.stdout?.destroy();
    unread.stderr?.destroy();
    await once(unread, 'exit');
    assert.equal(await billed(), 0);
  });

  test('is cleaned of what a check left that was killed', async (t) => {
    const { home, tool, billed, journals, cloud, fake } = await withCloud(t);
    const child = checkInChild(home);
    await machineMade(cloud);
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.ok((await billed()) > 0);
    assert.equal((await journals()).length, 1);
    // Somebody else's machine in the same account.
    await fake.plant?.({ name: 'theirs', tags: {} });
    const removed = await tool.clean('http', LIVE);
    assert.ok(removed.length > 0);
    assert.deepEqual([await billed(), await journals()], [1, []]);
    assert.deepEqual(await tool.clean('http', LIVE), []);
  });
});

function checkInChild(home: string, output: 'ignore' | 'pipe' = 'ignore'): ChildProcess {
  return spawn(process.execPath, [CLI, 'backend', 'check', 'http', '--live', '--rule', 'W1', '--max-time', '2m'], {
    env: { ...process.env, BERTH_HOME: home },
    stdio: ['ignore', output, output],
  });
}

async function machineMade(cloud: HttpCloud): Promise<void> {
  while (cloud.machines.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
}
