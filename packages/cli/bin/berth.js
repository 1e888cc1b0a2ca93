#!/usr/bin/env node
// Starts the command line under a Node that can run it. Plain JavaScript that any Node since 18 can
// read, because it must be able to say that the Node it runs under is too old.
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import module from 'node:module';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const NEEDED_MAJOR = 24;
const here = dirname(fileURLToPath(import.meta.url));
const argv = process.argv.slice(2);

// `node:sqlite` and native TypeScript are not stable before; the marker keeps two old ones from calling each other.
if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-v')) {
  process.stdout.write(`berth ${version()}\n`);
} else if (Number(process.versions.node.split('.')[0]) >= NEEDED_MAJOR) {
  const cache = ownCacheFolder();
  if (cache !== null) module.enableCompileCache?.(cache);
  await import(pathToFileURL(entry()).href);
} else {
  await runUnderNewerNode();
}

/**
 * In our own home, where nobody else can write: Node's default is a folder in /tmp that any user can make
 * first, and what lies in it is run. Null: there is no such place, and the start takes some ms more.
 */
function ownCacheFolder() {
  let folder = process.env.BERTH_HOME || join(homedir(), '.berth');
  for (const below of [null, 'cache', 'cli']) {
    if (below !== null) folder = join(folder, below);
    try {
      mkdirSync(folder, { mode: 0o700 });
    } catch (error) {
      if (error.code !== 'EEXIST') return null;
    }
    const stats = statSync(folder, { throwIfNoEntry: false });
    if (stats === undefined) return null;
    const { uid, mode } = stats;
    if ((process.getuid !== undefined && uid !== process.getuid()) || (mode & 0o022) !== 0) return null;
  }
  return folder;
}

function version() {
  const own = join(here, '..', 'package.json');
  return JSON.parse(readFileSync(existsSync(own) ? own : join(here, '..', '..', 'package.json'), 'utf8')).version;
}

/**
 * TypeScript in a clone, where this is `packages/cli/bin`; JavaScript in a build, where this is `dist/bin`. A build
 * that lies in a clone steps aside for the source: `npx berth` prefers it, and it is as old as the last `npm pack`.
 */
function entry() {
  const sources = [join(here, '..', 'src'), join(here, '..', '..', 'packages', 'cli', 'src')];
  const source = sources.map((folder) => join(folder, 'main.ts')).find((file) => existsSync(file));
  return source ?? join(here, '..', 'cli', 'main.js');
}

async function runUnderNewerNode() {
  const node = process.env.BERTH_NODE_TRIED ? undefined : findNode();
  if (node === undefined) {
    process.stderr.write(
      `error: Berth needs Node ${NEEDED_MAJOR} or later; this is ${process.versions.node} (${process.execPath})\n` +
        '  hint: the package `node`, which Berth installs, brings one: install again without `--ignore-scripts`, ' +
        `or install Node ${NEEDED_MAJOR}\n`,
    );
    process.exitCode = 1;
    return;
  }
  const { spawn } = await import('node:child_process');
  const child = spawn(node, [fileURLToPath(import.meta.url), ...argv], {
    stdio: 'inherit',
    env: { ...process.env, BERTH_NODE_TRIED: '1' },
  });
  // A terminal sends Ctrl-C to both; what it means is for the child to decide.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      if (signal !== 'SIGINT') child.kill(signal);
    });
  }
  child.on('error', (error) => {
    process.stderr.write(`error: ${node} cannot be started: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1);
  });
}

/** The binary of the package `node`: nested in our own folder, or hoisted to a folder above. */
function findNode() {
  for (let dir = here; ; dir = dirname(dir)) {
    for (const name of ['node', 'node.exe']) {
      const path = join(dir, 'node_modules', 'node', 'bin', name);
      if (existsSync(path)) return path;
    }
    if (dir === dirname(dir)) return undefined;
  }
}
