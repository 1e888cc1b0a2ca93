/** README's second command: type check, lint, import rules and every test, in this order. */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const bin = (name: string): string => join(root, 'node_modules', '.bin', name);

const CHECKS: readonly (readonly [string, string, readonly string[]])[] = [
  ['types', bin('tsc'), ['--noEmit']],
  ['lint', bin('biome'), ['check', '--colors=off', '.']],
  ['imports', process.execPath, ['--disable-warning=ExperimentalWarning', 'scripts/check-imports.ts']],
];

for (const [name, command, args] of CHECKS) {
  const started = performance.now();
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (result.status !== 0) {
    console.error(`\n${name}: failed (${command} ${args.join(' ')})`);
    process.exit(1);
  }
  console.log(`${name}: ok (${((performance.now() - started) / 1000).toFixed(1)} s)`);
}

const parts = process.env['BERTH_TEST_PARTS'] ?? '';
console.log(
  `parts that must be there: ${parts === '' ? 'none (tests that need Docker are skipped where it is absent)' : parts}`,
);

const patterns = process.argv.slice(2);
const files = globSync(
  patterns.length > 0
    ? patterns
    : [
        '{packages,backends}/*/src/**/*.test.ts',
        'scripts/*.test.ts',
        'bench/**/*.test.ts',
        'test/**/*.test.ts',
        'examples/**/*.test.{mjs,ts}',
      ],
  { cwd: root, exclude: (path) => path.includes('node_modules') },
).sort();
if (files.length === 0) {
  console.error(`no test file fits ${patterns.join(' ')}`);
  process.exit(1);
}
const result = spawnSync(
  process.execPath,
  ['--disable-warning=ExperimentalWarning', '--test', '--test-concurrency=2', '--test-timeout=180000', ...files],
  { cwd: root, stdio: 'inherit' },
);
process.exit(result.status ?? 1);
