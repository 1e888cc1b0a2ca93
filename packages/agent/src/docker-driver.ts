import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { ClusterInfo, JobAssignment } from '@berth/core/job-spec';
import type { AcceleratorVendor } from '@berth/core/offer';
import type { BlobStore } from './blob-store.ts';
import type { ForwardTime } from './clock.ts';
import { type ContainerDeps, ContainerExecution, removeContainer } from './container-execution.ts';
import { ContainerTree, existsInContainer, isOccupiedInContainer, readAccounts } from './container-files.ts';
import { baseDir, containerName, containerSpec, HOSTFILE, type ImageInfo } from './container-spec.ts';
import { DockerAway, DockerError } from './docker-client.ts';
import { ensureImage, withoutDocker } from './docker-image.ts';
import type { Driver, Execution, ReportStep } from './driver.ts';
import { gpuVisibility, jobEnvironment, mpiHostfile } from './environment.ts';
import { JobFailure, messageOf } from './failure.ts';
import { type JobPaths, resolvePath, resolvePaths } from './job-paths.ts';
import { checkTexts, jobArgv } from './script.ts';
import { codePlacement, fetchCode, fetchFile, moveInto } from './setup.ts';
import { resolveUser, type UnixUser } from './unix-user.ts';

const ROOT: UnixUser = { name: 'root', uid: 0, gid: 0, home: '/root' };

export interface DockerDriverDeps extends ContainerDeps {
  readonly assignment: JobAssignment;
  readonly instance: string;
  /** The job's own directory, made already. */
  readonly dir: string;
  readonly blobs: BlobStore;
  readonly time: ForwardTime;
  readonly vendor: AcceleratorVendor | null;
  /** CPUs of this machine. */
  readonly cpus: number;
  /** Called when a container only has to be started: from here on a restarted agent can go on with it. */
  readonly onContainer: (id: string, workingDir: string) => Promise<void>;
}

/** Runs a job in a container of its own. */
export class DockerDriver implements Driver {
  readonly #deps: DockerDriverDeps;
  readonly #staging: string;
  readonly #tree: ContainerTree;
  #image: ImageInfo = { user: '', workingDir: '', searchPath: null };
  #user: UnixUser = ROOT;
  #paths: JobPaths = { code: '/', working: '/' };
  #isGathered = false;

  constructor(deps: DockerDriverDeps) {
    this.#deps = deps;
    this.#staging = join(deps.dir, 'staging');
    this.#tree = new ContainerTree(join(this.#staging, 'root'));
  }

  async prepare(report: ReportStep, signal: AbortSignal): Promise<void> {
    const { assignment, docker } = this.#deps;
    const { work } = assignment;
    checkTexts(work);
    this.#image = await ensureImage(docker, work, report, signal);
    await this.#resolveUser();
    const base = work.code === null ? this.#image.workingDir || '/' : baseDir(this.#image);
    this.#paths = resolvePaths(work, base, this.#user.home);
    if (work.code !== null) {
      report('code', null);
      const dir = join(this.#staging, 'code');
      await mkdir(dir, { recursive: true });
      await fetchCode(work.code, dir, this.#deps.blobs, signal);
    }
  }

  async start(cluster: ClusterInfo, signal: AbortSignal): Promise<Execution> {
    try {
      return await this.#start(cluster, true, signal);
    } catch (error) {
      // Debian packages the engine without its init, and nothing but this failure tells.
      if (!(error instanceof DockerError && /docker-init|tini/.test(error.message))) throw this.#asFailure(error);
    }
    try {
      return await this.#start(cluster, false, signal);
    } catch (error) {
      throw this.#asFailure(error);
    }
  }

  async #start(cluster: ClusterInfo, init: boolean, signal: AbortSignal): Promise<Execution> {
    const { assignment, docker } = this.#deps;
    await removeContainer(docker, assignment.job);
    const id = await this.#create(cluster, init);
    signal.throwIfAborted();
    if (!this.#isGathered) await this.#gather(id, cluster, signal);
    await this.#tree.upload(docker, id, this.#user);
    if (init) await this.#checkExecutable(id);
    signal.throwIfAborted();
    await this.#deps.onContainer(id, this.#paths.working);
    const execution = await ContainerExecution.start(this.#deps, id, this.#paths.working, this.#deps.time);
    await rm(this.#staging, { recursive: true, force: true });
    return execution;
  }

  async #create(cluster: ClusterInfo, init: boolean): Promise<string> {
    const { assignment, docker, instance, vendor, cpus } = this.#deps;
    const { work, limits } = assignment;
    const env = {
      ...jobEnvironment(assignment, cluster, {
        workingDir: this.#paths.working,
        repoDir: this.#paths.code,
        mpiHostfile: HOSTFILE,
      }),
      // NVIDIA's are handed over as devices; of AMD's all are there, so they are hidden by name.
      ...(vendor === 'amd' ? gpuVisibility(limits.gpuDevices, vendor) : {}),
    };
    const spec = containerSpec({
      assignment,
      instance,
      argv: jobArgv(work),
      env,
      workingDir: work.code === null && work.workingDir === null ? '' : this.#paths.working,
      mounts: work.mounts.filter((mount) => !mount.optional || existsSync(mount.instancePath)),
      vendor,
      cpus,
      init,
    });
    const query = { name: containerName(assignment.job) };
    const created = (await docker.json('/containers/create', { method: 'POST', query, json: spec })) as {
      readonly Id: string;
    }; // the engine's own schema
    return created.Id;
  }

  /** Code, files and what else the job finds inside of its container. */
  async #gather(id: string, cluster: ClusterInfo, signal: AbortSignal): Promise<void> {
    const { work } = this.#deps.assignment;
    if (work.code !== null) {
      const { code, working } = this.#paths;
      const occupied = await isOccupiedInContainer(this.#deps.docker, id, code, working);
      if (codePlacement(work.code, occupied, code) === 'fill') {
        const local = await this.#tree.place(code);
        await moveInto(join(this.#staging, 'code'), local, true);
        // Docker has made it, as root's; inside of the code it is the user's.
        if (working.startsWith(`${code}/`)) await mkdir(join(local, working.slice(code.length)), { recursive: true });
      }
    }
    for (const [index, file] of work.files.entries()) {
      const source = await fetchFile(file, join(this.#staging, 'files', String(index)), this.#deps.blobs, signal);
      const target = resolvePath(file.path, this.#paths.working, this.#user.home);
      await moveInto(source, await this.#tree.place(target), true);
    }
    await this.#tree.write(HOSTFILE, mpiHostfile(cluster));
    this.#isGathered = true;
  }

  /** Looks into the image only where it matters: for a user other than root who gets code or files, or for `~`. */
  async #resolveUser(): Promise<void> {
    const { work, job } = this.#deps.assignment;
    const spec = work.user ?? this.#image.user;
    if (spec === '' || /^(root|0)(:(root|0))?$/.test(spec)) return;
    const { docker } = this.#deps;
    // Never started, only looked into.
    const query = { name: containerName(job) };
    await removeContainer(docker, job);
    const json = { Image: work.image, Entrypoint: ['-'], Cmd: [] };
    const created = (await docker.json('/containers/create', { method: 'POST', query, json })) as {
      readonly Id: string;
    };
    try {
      this.#user = resolveUser(spec, await readAccounts(docker, created.Id));
    } finally {
      await removeContainer(docker, job);
    }
  }

  /** Without an init Docker itself says that there is no such program; an init only prints it into the log. */
  async #checkExecutable(id: string): Promise<void> {
    const { work } = this.#deps.assignment;
    const command = jobArgv(work)?.[0];
    if (command === undefined || work.commands.length === 0) return;
    const searchPath = work.env.PATH ?? this.#image.searchPath ?? '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin';
    const candidates = command.includes('/')
      ? [posix.resolve(this.#paths.working, command)]
      : searchPath.split(':').map((dir) => posix.join(dir, command));
    for (const path of candidates) if (await existsInContainer(this.#deps.docker, id, path)) return;
    throw this.#notExecutable(command, null);
  }

  #notExecutable(command: string, cause: DockerError | null): JobFailure {
    const { image, shell } = this.#deps.assignment.work;
    const hint = command === shell ? ' Choose a shell that it has with `shell:`.' : '';
    const said = cause === null ? '' : ` Docker says: ${cause.message}`;
    return new JobFailure('setup-error', `The image ${image} cannot execute "${command}".${hint}${said}`, cause);
  }

  #asFailure(error: unknown): unknown {
    if (error instanceof JobFailure) return error;
    const { image } = this.#deps.assignment.work;
    if (error instanceof DockerAway) {
      return new JobFailure('image-error', `${error.message} ${withoutDocker(image ?? '')}`, error);
    }
    if (!(error instanceof DockerError)) return error;
    const text = messageOf(error);
    const missing = /exec: "([^"]+)"/.exec(text)?.[1];
    if (missing !== undefined) return this.#notExecutable(missing, error);
    const reason = error.status === 404 ? 'image-error' : 'setup-error';
    return new JobFailure(reason, `The container cannot be started: ${text}`, error);
  }
}
