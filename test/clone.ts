/** A clone of this repository for tests that change files: as it is committed and changed here. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');

/** With the dependencies that are installed here, and everything committed. */
export function cloneInto(dir: string): void {
  execFileSync('git', ['init', '--quiet', dir]);
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], { cwd: ROOT });
  const present = files
    .toString()
    .split('\0')
    .filter((file) => file !== '');
  const tar = spawnSync('tar', ['-c', '--ignore-failed-read', '-T', '-'], {
    cwd: ROOT,
    input: present.join('\n'),
    maxBuffer: 2 ** 28,
  });
  execFileSync('tar', ['-x', '-C', dir], { input: tar.stdout });
  mkdirSync(join(dir, 'node_modules'));
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    // Links of the workspaces are relative: this clone's own packages, not those of where it comes from.
    if (name === '@berth') {
      mkdirSync(join(dir, 'node_modules', '@berth'));
      for (const room of readdirSync(join(dir, 'packages'))) {
        symlinkSync(join(dir, 'packages', room), join(dir, 'node_modules', '@berth', room));
      }
    } else if (name === '.bin') {
      mkdirSync(join(dir, 'node_modules', '.bin'));
      for (const program of readdirSync(join(ROOT, 'node_modules', '.bin'))) {
        const own = program === 'berth' ? dir : ROOT;
        const target = program === 'berth' ? 'packages/cli/bin/berth.js' : join('node_modules', '.bin', program);
        symlinkSync(join(own, target), join(dir, 'node_modules', '.bin', program));
      }
    } else symlinkSync(join(ROOT, 'node_modules', name), join(dir, 'node_modules', name));
  }
  const git = (...args: string[]): void => {
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd: dir });
  };
  git('add', '--all');
  git('commit', '--quiet', '-m', 'as it is');
}
