import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { json, startFakeServer } from '@berth/client/fake-server';
import { create } from 'tar';
import { world } from './testing/berth.ts';
import { doneRun } from './testing/views.ts';

const P = '/projects/main';

async function withArtifacts(
  files: Readonly<Record<string, string>>,
  use: (w: Awaited<ReturnType<typeof world>>) => Promise<void>,
): Promise<void> {
  await using server = await startFakeServer();
  await using w = await world(server.url);
  const left = join(w.cwd, '..', 'left');
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(left, name, '..'), { recursive: true });
    await writeFile(join(left, name), content);
  }
  const archive = join(w.cwd, '..', 'left.tgz');
  await create({ gzip: true, file: archive, cwd: left }, await readdir(left));
  const bytes = await readFile(archive);
  server.on(`GET ${P}/runs/my-run`, json(doneRun({}, { artifacts: { bytes: bytes.length, fetched: true } })));
  server.on(`GET ${P}/runs/run-1/artifacts`, (response) => void response.end(bytes));
  await use(w);
}

test('bug: artifacts with a folder of the name that Berth keeps for itself ended in EISDIR', async () => {
  await withArtifacts({ '.berth-artifacts.json/x': 'x', 'model.bin': 'm' }, async (w) => {
    const { code, stdout, stderr } = await w.berth(['run', 'artifacts', 'my-run']);
    assert.deepEqual([code, stdout], [0, 'artifacts/my-run\n'], stderr);
    assert.match(stderr, /warning: \.berth-artifacts\.json\/x? ?was left out: the name is kept for what Berth notes/);
    const names = (await readdir(join(w.cwd, 'artifacts/my-run'))).sort();
    assert.deepEqual(names, ['.berth-artifacts.json', '.gitignore', 'model.bin']);
    assert.equal(
      (await w.berth(['run', 'artifacts', 'my-run'])).stdout,
      'artifacts/my-run\n',
      'it is ours and is replaced',
    );
  });
});

test('bug: a full disk was told without a path, or as if a file led out of the folder', async (t) => {
  const small = await mkdtemp(join(tmpdir(), 'berth-small-'));
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', small]).status !== 0) {
    await rm(small, { recursive: true });
    return t.skip('no small disk can be made here: that needs root');
  }
  try {
    await withArtifacts({ 'model.bin': 'm'.repeat(1_000_000), 'small.txt': 's' }, async (w) => {
      const to = join(small, 'results');
      const { code, stdout, stderr } = await w.berth(['run', 'artifacts', 'my-run', '-o', to]);
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(
        stderr,
        new RegExp(`^error: the artifacts cannot be stored in ${to}: .*the disk is full\n {2}hint: make room`),
      );
      assert.deepEqual(await readdir(small), [], 'half of them is not left behind');
    });
  } finally {
    spawnSync('umount', [small]);
    await rm(small, { recursive: true });
  }
});

test('bug: errors of the system were told as the system tells them', async () => {
  await withArtifacts({ 'model.bin': 'm' }, async (w) => {
    await w.write('file', 'not a folder');
    const { code, stderr } = await w.berth(['run', 'artifacts', 'my-run', '-o', 'file/below']);
    assert.equal(code, 1);
    assert.match(stderr, /^error: the artifacts cannot be stored in .*file\/below: .* part of its path is a file\n/);
    const taken = await w.berth(['run', 'artifacts', 'my-run', '-o', 'file']);
    assert.deepEqual([taken.code, /file exists and was not made by Berth/.test(taken.stderr)], [2, true]);
    await w.write('home', 'not a folder');
    const broken = await w.berth(['server', 'start'], { env: { BERTH_HOME: join(w.cwd, 'home') } });
    assert.notEqual(broken.code, 0);
    assert.match(
      broken.stderr,
      /^error: .*home\/server cannot be made: (part of its path is a file|it exists already)\n/,
    );
  });
});

test('bug: a file called `artifacts` where the folder belongs hung the command', { timeout: 30_000 }, async () => {
  await withArtifacts({ 'model.bin': 'm' }, async (w) => {
    await w.write('artifacts', 'a file');
    const { code, stderr } = await w.berth(['run', 'artifacts', 'my-run']);
    assert.equal(code, 1);
    assert.match(stderr, /^error: .*artifacts\/my-run cannot be read: part of its path is a file\n/);
  });
});
