import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access, chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join, posix } from 'node:path';
import type { JobId } from '@berth/core/ids';
import type { ClusterInfo, JobAssignment } from '@berth/core/job-spec';
import type { AcceleratorVendor } from '@berth/core/offer';
import { type Artifacts, packArtifacts } from './artifacts.ts';
import type { BlobStore } from './blob-store.ts';
import type { ForwardTime } from './clock.ts';
import type { Driver, Execution, Exit, ReportStep, Usage } from './driver.ts';
import { gpuVisibility, inheritedEnvironment, jobEnvironment, mpiHostfile } from './environment.ts';
import { errnoOf, JobFailure, messageOf } from './failure.ts';
import { otherUsersScratch } from './job-files.ts';
import type { JobLog } from './job-log.ts';
import { type JobPaths, resolvePath, resolvePaths } from './job-paths.ts';
import { OutputPipe } from './output-pipe.ts';
import { isLeftByJob, PlacedFiles } from './placed-files.ts';
import { JOB_MARK, killJob, measureSession, type ProcessEntry, signalSession } from './process-table.ts';
import { checkTexts, jobArgv } from './script.ts';
import { codePlacement, fetchCode, fetchFile, giveTo, isOccupied, makeDirs, moveInto } from './setup.ts';
import type { StallWatch } from './stall-watch.ts';
import { resolveUser, type UnixUser } from './unix-user.ts';

export interface ProcessDriverDeps {
  readonly assignment: JobAssignment;
  /** The job's own directory, made already. */
  readonly dir: string;
  readonly blobs: BlobStore;
  readonly log: JobLog;
  readonly time: ForwardTime;
  readonly vendor: AcceleratorVendor | null;
}

/**
 * Runs a job as processes of this machine: a session of its own, in a directory of its own. CPU and
 * memory limits are not enforced here; that takes a container.
 */
export class ProcessDriver implements Driver {
  readonly #deps: ProcessDriverDeps;
  readonly #placed: PlacedFiles;
  /** Null: the job runs as the agent does. */
  #user: UnixUser | null = null;
  #home = '/';
  #paths: JobPaths = { code: '/', working: '/' };
  #scratch: string;
  #argv: readonly string[] = [];

  constructor(deps: ProcessDriverDeps) {
    this.#deps = deps;
    this.#scratch = deps.dir;
    this.#placed = new PlacedFiles(deps.dir);
  }

  async prepare(report: ReportStep, signal: AbortSignal): Promise<void> {
    const { work } = this.#deps.assignment;
    checkTexts(work);
    this.#argv = jobArgv(work) ?? nothingToRun();
    await checkMounts(work.mounts);
    this.#user = await chooseUser(work.user);
    this.#home = this.#user?.home ?? process.env.HOME ?? userInfo().homedir;
    await this.#makeScratch();
    const base = join(this.#scratch, 'work');
    await this.#makeBase(base);
    this.#paths = resolvePaths(work, base, this.#home);
    await this.#placeCode(report, signal);
    await this.#makeDirs(this.#paths.working);
    await this.#placeFiles(report, signal);
    await this.#checkExecutable();
  }

  async start(cluster: ClusterInfo): Promise<Execution> {
    const { assignment, log, time } = this.#deps;
    const hostfile = join(this.#scratch, 'hostfile');
    await writeFile(hostfile, mpiHostfile(cluster), { mode: 0o600 });
    if (this.#user !== null) await giveTo(hostfile, this.#user);
    const pipe = await OutputPipe.create(join(this.#scratch, 'output'), this.#user, log, time);
    const env = {
      ...this.#baseEnvironment(),
      ...jobEnvironment(assignment, cluster, {
        workingDir: this.#paths.working,
        repoDir: this.#paths.code,
        mpiHostfile: hostfile,
      }),
      ...gpuVisibility(assignment.limits.gpuDevices, this.#deps.vendor),
      [JOB_MARK]: assignment.job,
    };
    const [command = '', ...args] = this.#argv;
    try {
      const child = spawn(command, args, {
        cwd: this.#paths.working,
        env,
        // A session of its own: it outlives the agent's terminal, and a signal reaches all of it.
        detached: true,
        stdio: ['ignore', pipe.writeFd, pipe.writeFd],
        ...(this.#user === null ? {} : { uid: this.#user.uid, gid: this.#user.gid }),
      });
      const exited = exitOf(child);
      const pid = await spawned(child);
      return new ProcessExecution(assignment.job, pid, time.now(), this.#paths.working, exited, pipe);
    } catch (error) {
      throw new JobFailure('setup-error', whyNotStarted(command, this.#paths.working, error), error);
    } finally {
      pipe.closeWriter();
    }
  }

  /**
   * Another user cannot pass through the agent's directory, so such a job lives in the system's
   * directory for temporary files: it can be passed through, but not listed.
   */
  async #makeScratch(): Promise<void> {
    if (this.#user === null) return;
    this.#scratch = otherUsersScratch(this.#deps.assignment.job);
    await mkdir(this.#scratch, { mode: 0o711 });
    await chmod(this.#scratch, 0o711);
  }

  /** Code, data and what the job writes are nobody else's to read, wherever the directory lies. */
  async #makeBase(base: string): Promise<void> {
    await makeDirs(base, this.#user);
    await chmod(base, 0o700);
  }

  async #placeCode(report: ReportStep, signal: AbortSignal): Promise<void> {
    const { code } = this.#deps.assignment.work;
    const dir = this.#paths.code;
    if (code === null) return await this.#makeDirs(dir);
    const occupied = (await isOccupied(dir)) && (this.#isOwn(dir) || !(await isLeftByJob(dir)));
    if (codePlacement(code, occupied, dir) === 'skip') {
      if (!this.#isOwn(dir)) await this.#placed.use(dir);
      return;
    }
    report('code', null);
    // Complete, and the right user's, before any of it stands where the job looks.
    const staging = join(this.#scratch, 'staging', 'code');
    await mkdir(staging, { recursive: true, mode: 0o700 });
    await fetchCode(code, staging, this.#deps.blobs, signal);
    if (this.#user !== null) await giveTo(staging, this.#user);
    await this.#makeDirs(dir);
    if (!this.#isOwn(dir)) await this.#placed.takeForCode(dir);
    await this.#move(staging, dir);
  }

  async #placeFiles(report: ReportStep, signal: AbortSignal): Promise<void> {
    const { files } = this.#deps.assignment.work;
    const staging = join(this.#scratch, 'staging');
    for (const [index, file] of files.entries()) {
      report('files', index / files.length);
      const source = await fetchFile(file, join(staging, String(index)), this.#deps.blobs, signal);
      if (this.#user !== null) await giveTo(source, this.#user);
      await this.#move(source, resolvePath(file.path, this.#paths.working, this.#home));
    }
    await rm(staging, { recursive: true, force: true });
  }

  async #makeDirs(dir: string): Promise<void> {
    if (this.#isOwn(dir)) await makeDirs(dir, this.#user);
    else await this.#placed.makeDirs(dir, this.#user);
  }

  async #move(source: string, target: string): Promise<void> {
    if (!this.#isOwn(target)) return await this.#placed.move(source, target, this.#user);
    await makeDirs(posix.dirname(target), this.#user);
    await moveInto(source, target, true);
  }

  /** Whether a path lies in the directory that is the job's alone and goes with it. */
  #isOwn(path: string): boolean {
    const base = join(this.#scratch, 'work');
    return path === base || path.startsWith(`${base}/`);
  }

  async #checkExecutable(): Promise<void> {
    const [command = ''] = this.#argv;
    const env = { ...this.#baseEnvironment(), ...this.#deps.assignment.work.env };
    const candidates = command.includes('/')
      ? [posix.resolve(this.#paths.working, command)]
      : (env.PATH ?? '').split(':').map((dir) => posix.join(dir, command));
    for (const path of candidates) {
      const usable = await access(path, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (usable) return;
    }
    const isShell = command === this.#deps.assignment.work.shell;
    const hint = isShell ? ' Install it, or choose another one with `shell:`.' : '';
    throw new JobFailure('setup-error', `There is no "${command}" on this machine.${hint}`);
  }

  #baseEnvironment(): Readonly<Record<string, string>> {
    const inherited = inheritedEnvironment(process.env, process.execPath);
    if (this.#user === null) return inherited;
    const name = this.#user.name ?? String(this.#user.uid);
    return { ...inherited, HOME: this.#user.home, USER: name, LOGNAME: name };
  }
}

class ProcessExecution implements Execution {
  readonly pid: number;
  readonly container = null;
  readonly startedAt: number;
  readonly workingDir: string;
  readonly exit: Promise<Exit>;
  readonly #job: JobId;
  #alive = true;

  constructor(job: JobId, pid: number, startedAt: number, workingDir: string, exited: Promise<Exit>, pipe: OutputPipe) {
    this.#job = job;
    this.pid = pid;
    this.startedAt = startedAt;
    this.workingDir = workingDir;
    this.exit = this.#follow(exited, pipe);
  }

  async kill(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (this.#alive) signalSession(this.pid, signal);
  }

  async collectArtifacts(paths: readonly string[], target: string, watch: StallWatch): Promise<Artifacts> {
    return await packArtifacts(paths, this.workingDir, target, watch);
  }

  async measure(processes: () => readonly ProcessEntry[]): Promise<Usage | null> {
    return this.#alive ? measureSession(this.pid, processes()) : null;
  }

  async #follow(exited: Promise<Exit>, pipe: OutputPipe): Promise<Exit> {
    const exit = await exited;
    this.#alive = false;
    // What the leader left behind goes with it, as in a container.
    await killJob(this.#job, this.pid);
    await pipe.finish();
    return exit;
  }
}

function nothingToRun(): never {
  throw new JobFailure(
    'setup-error',
    'There is nothing to run: without an image, `commands` or `entrypoint` must say what.',
  );
}

async function checkMounts(mounts: JobAssignment['work']['mounts']): Promise<void> {
  for (const mount of mounts) {
    if (mount.optional || mount.instancePath === mount.path) continue;
    throw new JobFailure(
      'setup-error',
      `${mount.instancePath} can be mounted at ${mount.path} only in a container: give an \`image\`, or use ${mount.instancePath} itself.`,
    );
  }
}

/** Null: the user that the agent runs as already. */
async function chooseUser(spec: string | null): Promise<UnixUser | null> {
  if (spec === null) return null;
  const [passwd, group] = await Promise.all([readFile('/etc/passwd', 'utf8'), readFile('/etc/group', 'utf8')]);
  const user = resolveUser(spec, { passwd, group });
  if (user.uid === process.getuid?.() && user.gid === process.getgid?.()) return null;
  if (process.getuid?.() === 0) return user;
  throw new JobFailure(
    'setup-error',
    `The job should run as "${spec}", but Berth runs as ${userInfo().username} here and cannot change that. Leave out \`user\`, or give an \`image\`.`,
  );
}

function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.on('exit', (exitStatus, signal) => resolve({ exitStatus, signal, message: '', lost: false }));
  });
}

async function spawned(child: ChildProcess): Promise<number> {
  return await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('spawn', () => resolve(child.pid ?? 0));
  });
}

function whyNotStarted(command: string, cwd: string, error: unknown): string {
  switch (errnoOf(error)) {
    case 'ENOENT':
      return `"${command}" cannot be started: it, or the directory ${cwd}, does not exist.`;
    case 'E2BIG':
      return 'The commands or the environment are longer than this machine takes (128 KiB each). Put them into a file.';
    case 'EACCES':
      return `"${command}" cannot be started in ${cwd}: permission denied.`;
    default:
      return `"${command}" cannot be started: ${messageOf(error)}`;
  }
}
