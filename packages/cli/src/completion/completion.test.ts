import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { type FakeServer, json, startFakeServer } from '@berth/client/fake-server';
import { BIN, type World, world } from '../testing/berth.ts';
import { doneRun, instanceView, runView } from '../testing/views.ts';

const P = '/projects/main';
const has = (shell: string) => spawnSync(shell, ['--version']).error === undefined;

async function withServer(use: (w: World, server: FakeServer) => Promise<void>): Promise<void> {
  await using server = await startFakeServer();
  await using w = await world(server.url);
  server.on(`GET ${P}/runs`, json({ runs: [runView({ name: 'train-1' }), doneRun({ name: 'train-0' })], next: null }));
  server.on(`GET ${P}/fleets`, json([{ name: 'pool' }]));
  server.on(`GET ${P}/instances`, json([instanceView({ name: 'pool-0' })]));
  server.on('GET /projects', json([{ name: 'main' }, { name: 'team' }]));
  server.on('GET /projects/team/runs', json({ runs: [runView({ name: 'of-the-team' })], next: null }));
  await use(w, server);
}

/** A `berth` that the shells find, under the Node of this test. */
async function withOnPath(w: World): Promise<Record<string, string>> {
  const bin = join(w.cwd, 'bin');
  await mkdir(bin);
  await symlink(BIN, join(bin, 'berth'));
  await symlink(process.execPath, join(bin, 'node'));
  return { ...w.env, PATH: `${bin}${delimiter}${process.env.PATH}` };
}

test('names of runs, fleets, instances and projects complete in bash', async () => {
  await withServer(async (w, server) => {
    const env = await withOnPath(w);
    const path = await w.write('berth.bash', (await w.berth(['completion', 'bash'])).stdout);
    const complete = async (line: string) => {
      const words = line.split(' ');
      const script = `source '${path}'; COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _berth; printf '%s\n' "\${COMPREPLY[@]}"`;
      const { stdout } = await promisify(execFile)('bash', ['-c', script], { env });
      return stdout.trim().split('\n');
    };
    assert.deepEqual(await complete('berth logs tr'), ['train-0', 'train-1']);
    assert.deepEqual(await complete('berth run get train-1'), ['train-1']);
    assert.deepEqual(await complete('berth fleet delete po'), ['pool']);
    assert.deepEqual(await complete('berth instance get po'), ['pool-0']);
    assert.deepEqual(await complete('berth project set-default t'), ['team']);
    assert.deepEqual(await complete('berth ps --project '), ['main', 'team']);
    assert.deepEqual(await complete('berth apply --fleet '), ['pool']);
    assert.deepEqual(await complete('berth event list --run tr'), ['train-0', 'train-1']);
    assert.deepEqual(await complete('berth logs --project team of'), ['of-the-team']);
    assert.deepEqual(await complete('berth logs -f tr'), ['train-0', 'train-1'], 'here -f names no file');
    await complete('berth stop tr');
    assert.equal(server.seen.at(-1)?.query.get('live'), 'true', 'only what lives can be stopped');
    const asked = server.seen.length;
    await complete('berth logs --fo');
    await complete('berth ap');
    assert.equal(server.seen.length, asked, 'words of our own need no server');
  });
});

test('names complete in fish', { skip: !has('fish') && 'no fish here' }, async () => {
  await withServer(async (w) => {
    const env = await withOnPath(w);
    const path = await w.write('berth.fish', (await w.berth(['completion', 'fish'])).stdout);
    const complete = async (line: string) => {
      const script = `source '${path}'; complete -C '${line}'`;
      const { stdout } = await promisify(execFile)('fish', ['--no-config', '-c', script], { env });
      return stdout
        .trim()
        .split('\n')
        .map((found) => found.split('\t')[0]);
    };
    assert.deepEqual(await complete('berth logs tr'), ['train-0', 'train-1']);
    assert.deepEqual(await complete('berth ps --project t'), ['team']);
    assert.deepEqual(await complete('berth logs --project team of'), ['of-the-team']);
  });
});

test('names complete in zsh', { skip: !has('zsh') && 'no zsh here' }, async () => {
  await withServer(async (w) => {
    const env = await withOnPath(w);
    const path = await w.write('berth.zsh', (await w.berth(['completion', 'zsh'])).stdout);
    // As the shell's own bridge to functions written for bash calls them; it is the one that leaves out what does not fit.
    const call = `try() { emulate -L ksh; COMP_WORDS=(berth logs tr); COMP_CWORD=2; _berth; printf '%s\\n' "\${COMPREPLY[@]}" }; try`;
    const script = `autoload -Uz compinit && compinit -u -d '${join(w.cwd, 'dump')}'; source '${path}'; ${call}`;
    const { stdout } = await promisify(execFile)('zsh', ['-f', '-c', script], { env });
    assert.deepEqual(stdout.trim().split('\n').slice(-2), ['train-0', 'train-1']);
  });
});

test('what cannot be had at once is left out: no word, no wait, no server started', async () => {
  await using w = await world(null);
  const names = async (kind: string, env: Record<string, string> = {}) => {
    const { code, stdout, stderr } = await w.berth(['complete-names', kind], { env });
    assert.deepEqual([code, stderr], [0, '']);
    return stdout;
  };
  assert.equal(await names('run'), '');
  assert.equal(existsSync(join(w.home, 'server')), false);

  await using server = await startFakeServer();
  const here = { BERTH_SERVER_URL: server.url, BERTH_TOKEN: 'x' };
  server.on(`GET ${P}/runs`, () => {});
  const began = performance.now();
  assert.equal(await names('run', here), '');
  assert.ok(performance.now() - began < 5_000, 'a server that does not answer is not waited for');
  assert.equal(await names('fleet', here), '', 'neither is a refusal told');
  assert.equal(await names('run', { ...here, BERTH_TOKEN: 'a b' }), '');

  const evil = ['$(touch pwned)', '`id`', 'a b', '-x', 'good'];
  server.on(`GET ${P}/fleets`, json(evil.map((name) => ({ name }))));
  assert.equal(await names('fleet', here), 'good\n', 'a shell would expand them');

  await w.write(join(w.home, 'config.yml'), 'projects:\n  - name: mine\n    url: http://127.0.0.1:1\n    token: x\n');
  assert.equal(await names('project'), 'mine\n');
});
