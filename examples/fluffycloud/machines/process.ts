import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Address } from '../instance.ts';
import type { MachineDriver, MachineSpec } from './driver.ts';
import type { MachineFile, StateFile } from './process-machine.ts';
import { MARKER } from './process-machine.ts';
import { endProcessesWith, isAlive } from './process-table.ts';

const PROGRAM = join(import.meta.dirname, 'process-machine.ts');
/** A loaded computer may take seconds to start Node; longer than this, something is wrong. */
const BOOT_LIMIT_MS = 30_000;
/** What servers on a machine get to end in order, as by a short press of the power button. */
const SHUTDOWN_MS = 150;

/** Machines that are a process each, with a directory of their own. They outlive the cloud's process. */
export class ProcessMachines implements MachineDriver {
  readonly #dir: string;
  readonly #cloudId: string;

  constructor(dataDir: string, cloudId: string) {
    if (process.platform !== 'linux') throw new Error('machines of kind "process" need Linux: they are found in /proc');
    this.#dir = join(dataDir, 'machines');
    this.#cloudId = cloudId;
    mkdirSync(this.#dir, { recursive: true });
  }

  async run(spec: MachineSpec): Promise<Address> {
    const dir = join(this.#dir, spec.id);
    const found = this.#state(spec.id);
    if (found !== null) return address(spec, found);

    // One that a killed cloud had started a moment ago may be about to come up: there must not be two.
    await this.stop(spec.id);
    for (const name of ['home', 'tmp']) mkdirSync(join(dir, name), { recursive: true });
    const file: MachineFile = {
      marker: this.#marker(spec.id),
      name: spec.name,
      hostKey: spec.hostKey.private,
      authorizedKeys: spec.sshPublicKeys,
    };
    writeFileSync(join(dir, 'machine.json'), JSON.stringify(file), { mode: 0o600 });
    if (spec.userData !== null && !existsSync(join(dir, 'user-data'))) {
      writeFileSync(join(dir, 'user-data'), spec.userData, { mode: 0o700 });
    }
    const log = openSync(join(dir, 'machine.log'), 'a');
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', PROGRAM, dir], {
      cwd: join(dir, 'home'),
      detached: true,
      stdio: ['ignore', log, log],
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', [MARKER]: file.marker },
    });
    closeSync(log);
    let ended: string | null = null;
    child.on('error', (error) => {
      ended = error.message;
    });
    child.on('exit', (code, signal) => {
      ended = `it ended with ${signal ?? code}`;
    });
    child.unref();
    for (const startedAt = performance.now(); performance.now() - startedAt < BOOT_LIMIT_MS; await sleep(10)) {
      const state = this.#state(spec.id);
      if (state !== null) return address(spec, state);
      if (ended !== null) throw new Error(`machine ${spec.id} did not come up: ${ended}; see ${dir}/machine.log`);
    }
    throw new Error(`machine ${spec.id} did not come up in ${BOOT_LIMIT_MS / 1000} s; see ${dir}/machine.log`);
  }

  async stop(id: string): Promise<void> {
    await endProcessesWith(MARKER, this.#marker(id), SHUTDOWN_MS);
    rmSync(join(this.#dir, id, 'state.json'), { force: true });
  }

  async destroy(id: string): Promise<void> {
    await this.stop(id);
    rmSync(join(this.#dir, id), { recursive: true, force: true, maxRetries: 5 });
  }

  async list(): Promise<ReadonlyMap<string, 'running' | 'stopped'>> {
    return new Map(readdirSync(this.#dir).map((id) => [id, this.#state(id) === null ? 'stopped' : 'running']));
  }

  async removeShared(): Promise<void> {
    rmSync(this.#dir, { recursive: true, force: true });
  }

  #marker(id: string): string {
    return `${this.#cloudId}/${id}`;
  }

  /** Null: it does not run. */
  #state(id: string): StateFile | null {
    try {
      const state = JSON.parse(readFileSync(join(this.#dir, id, 'state.json'), 'utf8')) as StateFile;
      return isAlive(state) ? state : null;
    } catch {
      return null;
    }
  }
}

function address(spec: MachineSpec, state: StateFile): Address {
  return { ip: '127.0.0.1', sshPort: state.port, privateIp: `127.77.${(spec.seq >> 8) & 255}.${spec.seq & 255}` };
}
