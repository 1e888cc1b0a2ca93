import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { removeJobFiles } from './job-files.ts';

describe('the files of a job', () => {
  it('are removed also where the job has closed its directories, as package caches do', async () => {
    const root = await mkdtemp(join(tmpdir(), 'berth-files-'));
    const dir = join(root, 'jobs', 'job-1');
    const closed = join(dir, 'work', 'cache', 'module');
    try {
      await mkdir(closed, { recursive: true });
      await writeFile(join(closed, 'file'), 'x');
      if (process.getuid?.() !== 0) {
        for (const path of [closed, join(closed, '..')]) await chmod(path, 0o555);
        await removeJobFiles('job-1', dir);
      } else {
        // Nothing is closed to root, so somebody else has to try.
        for (const path of [root, join(root, 'jobs'), dir, join(dir, 'work'), join(closed, '..'), closed]) {
          await chown(path, 65_534, 65_534);
        }
        for (const path of [closed, join(closed, '..')]) await chmod(path, 0o555);
        const module = fileURLToPath(new URL('./job-files.ts', import.meta.url));
        const script = `const { removeJobFiles } = await import(${JSON.stringify(module)}); await removeJobFiles('job-1', ${JSON.stringify(dir)});`;
        const args = ['--input-type=module', '-e', script];
        execFileSync(process.execPath, args, { uid: 65_534, gid: 65_534, cwd: '/', stdio: 'pipe' });
      }
      await assert.rejects(stat(dir));
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  });
});
