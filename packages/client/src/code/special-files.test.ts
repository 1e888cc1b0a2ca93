/** Pipes, sockets and devices where files are expected: whoever opens them may wait for ever. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { packCode, packFiles } from './pack-code.ts';
import { openSpool, type Spool } from './spool.ts';

const AT_MOST_MS = 20_000;

async function inDirectory(use: (dir: string, spool: Spool) => Promise<void>): Promise<void> {
  const top = await mkdtemp(join(tmpdir(), 'berth-special-'));
  try {
    const dir = join(top, 'work');
    await mkdir(dir);
    await writeFile(join(dir, 'main.py'), 'print(1)\n');
    await use(dir, await openSpool(join(top, 'spool')));
  } finally {
    await rm(top, { recursive: true, force: true });
  }
}

const pipe = (path: string) => execFileSync('mkfifo', [path]);
const refusal = (path: string, kind: string) => (error: unknown) => {
  assert.ok(error instanceof Error);
  assert.equal(error.message, `${path} is ${kind}, not a file that names what to leave out`);
  return true;
};

test('bug: an ignore file that is a pipe or a directory hung, or was as if it were not there', {
  timeout: AT_MOST_MS,
}, async () => {
  for (const name of ['.gitignore', '.berthignore', '.dstackignore']) {
    await inDirectory(async (dir, spool) => {
      await mkdir(join(dir, 'sub'));
      pipe(join(dir, 'sub', name));
      await assert.rejects(packCode(dir, { spool }), refusal(`sub/${name}`, 'a named pipe'));
    });
    await inDirectory(async (dir, spool) => {
      await mkdir(join(dir, name));
      await assert.rejects(packCode(dir, { spool }), refusal(name, 'a directory'));
    });
  }
});

test('bug: git waited for ever for a .gitignore that is a pipe', { timeout: AT_MOST_MS }, async () => {
  await inDirectory(async (dir, spool) => {
    execFileSync('git', ['init', '-q', dir]);
    await mkdir(join(dir, 'a', 'b'), { recursive: true });
    pipe(join(dir, 'a', 'b', '.gitignore'));
    await assert.rejects(packCode(dir, { spool }), refusal('a/b/.gitignore', 'a named pipe'));
    await assert.rejects(
      packFiles([{ localPath: dir, path: 'x' }], { spool }),
      refusal('a/b/.gitignore', 'a named pipe'),
    );
  });
});

test('a .berthignore at the top of a git tree counts also when git itself ignores it, and must be a file', async () => {
  await inDirectory(async (dir, spool) => {
    execFileSync('git', ['init', '-q', dir]);
    await writeFile(join(dir, '.gitignore'), '.berthignore\n');
    await writeFile(join(dir, '.berthignore'), '*.py\n.gitignore\n');
    assert.equal((await packCode(dir, { spool })).ref, null);
    await rm(join(dir, '.berthignore'));
    pipe(join(dir, '.berthignore'));
    await assert.rejects(packCode(dir, { spool }), refusal('.berthignore', 'a named pipe'));
  });
});

test('bug: `files` that are a pipe or a socket were packed as whatever they are', { timeout: AT_MOST_MS }, async () => {
  await inDirectory(async (dir, spool) => {
    pipe(join(dir, 'pipe'));
    const server = createServer().listen(join(dir, 'socket'));
    await once(server, 'listening');
    try {
      for (const [name, kind] of [
        ['pipe', 'a named pipe'],
        ['socket', 'a socket'],
      ] as const) {
        const localPath = join(dir, name);
        await assert.rejects(packFiles([{ localPath, path: name }], { spool }), {
          message: `${localPath} is ${kind}, which cannot be sent`,
          details: { index: 0 },
        });
      }
    } finally {
      server.close();
    }
  });
});

test('bug: a file that was to lie at `.` took the place of the working directory', async () => {
  await inDirectory(async (dir, spool) => {
    const localPath = join(dir, 'main.py');
    for (const path of ['.', './', 'sub/', '~', '/', '..']) {
      await assert.rejects(packFiles([{ localPath, path }], { spool }), (error: unknown) => {
        assert.ok(error instanceof Error && 'hint' in error);
        assert.equal(error.message, `${localPath} is a file, and \`${path}\` names a directory`);
        assert.match(String(error.hint), /main\.py`$/);
        return true;
      });
    }
    assert.equal((await packFiles([{ localPath: dir, path: '.' }], { spool })).refs.length, 1);
  });
});
