/**
 * The machine of `--machines process`: one process that serves SSH from a directory of its own and, at its first
 * boot, runs the user's script. Started as `node process-machine.ts DIR` by the cloud, which it outlives.
 *
 * DIR has `machine.json` (what the machine is; see `MachineFile`), `home`, `tmp`, `user-data`; the machine writes
 * `state.json` once it can be reached.
 */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessId } from './process-table.ts';
import { startTicksOf } from './process-table.ts';
import { serveSsh } from './ssh-server.ts';

/** In the environment of everything on a machine: by this it is found when the machine is switched off. */
export const MARKER = 'FLUFFY_MACHINE';

export interface MachineFile {
  readonly marker: string;
  readonly name: string;
  /** In OpenSSH's form. */
  readonly hostKey: string;
  readonly authorizedKeys: readonly string[];
}

export interface StateFile extends ProcessId {
  /** Of the SSH server, on 127.0.0.1. */
  readonly port: number;
}

async function boot(dir: string): Promise<void> {
  // Written by the cloud alone.
  const machine = JSON.parse(readFileSync(join(dir, 'machine.json'), 'utf8')) as MachineFile;
  const home = join(dir, 'home');
  const env = {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    HOME: home,
    TMPDIR: join(dir, 'tmp'),
    USER: 'root',
    LOGNAME: 'root',
    SHELL: '/bin/sh',
    LANG: 'C.UTF-8',
    [MARKER]: machine.marker,
  };
  const port = await serveSsh({ hostKey: machine.hostKey, authorizedKeys: machine.authorizedKeys, home, env });

  const script = join(dir, 'user-data');
  const wasRun = join(dir, 'user-data-was-run');
  if (existsSync(script) && !existsSync(wasRun)) {
    writeFileSync(wasRun, '');
    const log = openSync(join(home, 'user-data.log'), 'a');
    const child = spawn(script, { cwd: home, env, detached: true, stdio: ['ignore', log, log] });
    child.on('error', (error) => writeFileSync(join(home, 'user-data.log'), `${error.message}\n`, { flag: 'a' }));
    closeSync(log);
  }

  const state: StateFile = { pid: process.pid, startTicks: startTicksOf(process.pid) ?? 0, port };
  writeFileSync(join(dir, 'state.json.new'), JSON.stringify(state));
  renameSync(join(dir, 'state.json.new'), join(dir, 'state.json'));
}

if (import.meta.main) {
  const dir = process.argv[2];
  if (dir === undefined) throw new Error('usage: node process-machine.ts DIR');
  await boot(dir);
}
