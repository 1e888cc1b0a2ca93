/** README's first command: applies `examples/quickstart` exactly as a user would, from its folder. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const berth = join(root, 'packages', 'cli', 'bin', 'berth.js');
const args = [berth, 'apply', '-y', '-f', 'task.berth.yml', ...process.argv.slice(2)];
const child = spawn(process.execPath, args, { cwd: join(root, 'examples', 'quickstart'), stdio: 'inherit' });
// Ctrl-C is for the command: it detaches and says how to come back.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
child.on('exit', (code) => {
  process.exitCode = code ?? 1;
});
