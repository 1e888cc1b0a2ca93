import { execFileSync } from 'node:child_process';
import { mkdtemp, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** A file system of its own, as large as told (`256k`). Null, and the test skipped, where none may be mounted. */
export async function smallDisk(t: TestContext, size: string): Promise<string | null> {
  const disk = await mkdtemp(join(tmpdir(), 'berth-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'berth-test', disk], { stdio: 'pipe' });
  } catch {
    await rmdir(disk);
    t.skip('needs the right to mount a tmpfs');
    return null;
  }
  t.after(async () => {
    execFileSync('umount', ['-l', disk]);
    await rmdir(disk);
  });
  return disk;
}
