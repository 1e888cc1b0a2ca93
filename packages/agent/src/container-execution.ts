import { setTimeout as sleep } from 'node:timers/promises';
import type { Artifacts } from './artifacts.ts';
import type { ForwardTime } from './clock.ts';
import { packFromContainer } from './container-files.ts';
import { ContainerOutput } from './container-output.ts';
import { containerName } from './container-spec.ts';
import { DockerAway, type DockerClient, DockerError } from './docker-client.ts';
import type { Execution, Exit, Usage } from './driver.ts';
import { messageOf } from './failure.ts';
import type { JobLog } from './job-log.ts';
import type { AgentProblemCode } from './protocol.ts';
import type { StallWatch } from './stall-watch.ts';

const RETRY_MS = 1_000;
/** A removal that is under way: some ms as a rule, seconds on a busy disk. */
const REMOVAL_PAUSE_MS = 100;
const REMOVAL_LOOKS = 100;

export interface ContainerDeps {
  readonly docker: DockerClient;
  readonly log: JobLog;
  readonly onProblem: (code: AgentProblemCode, message: string) => void;
}

/** What of Docker's `GET /containers/{id}/json` is used here. */
export interface ContainerState {
  readonly id: string;
  readonly status: string;
  readonly exitCode: number;
  readonly oomKilled: boolean;
  readonly error: string;
  readonly startedAt: number;
}

/** A container that runs a job, from its start to its end, whoever started it. */
export class ContainerExecution implements Execution {
  readonly pid = null;
  readonly container: string;
  readonly startedAt: number;
  readonly workingDir: string;
  readonly exit: Promise<Exit>;
  readonly #deps: ContainerDeps;

  private constructor(
    deps: ContainerDeps,
    state: { readonly id: string; readonly startedAt: number },
    workingDir: string,
    output: ContainerOutput | null,
  ) {
    this.#deps = deps;
    this.container = state.id;
    this.startedAt = state.startedAt;
    this.workingDir = workingDir;
    this.exit = this.#follow(output).catch((error: unknown) => ({
      exitStatus: null,
      signal: null,
      message: `The container's end could not be seen: ${messageOf(error)}`,
      lost: true,
    }));
  }

  /** Attaches to a complete container, then starts it. Throws what Docker says. */
  static async start(
    deps: ContainerDeps,
    id: string,
    workingDir: string,
    time: ForwardTime,
  ): Promise<ContainerExecution> {
    const output = await ContainerOutput.attach(deps.docker, id, deps.log, time);
    try {
      await deps.docker.json(`/containers/${id}/start`, { method: 'POST' });
    } catch (error) {
      output.stop();
      throw error;
    }
    return new ContainerExecution(deps, { id, startedAt: time.now() }, workingDir, output);
  }

  /** Goes on with a container that was started already; it may have ended. */
  static resume(deps: ContainerDeps, state: ContainerState, workingDir: string): ContainerExecution {
    return new ContainerExecution(deps, state, workingDir, null);
  }

  async kill(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    try {
      await this.#deps.docker.json(`/containers/${this.container}/kill`, { method: 'POST', query: { signal } });
    } catch (error) {
      // 409: not running any more; 404: not even there.
      if (!(error instanceof DockerError && (error.status === 409 || error.status === 404))) throw error;
    }
  }

  async collectArtifacts(paths: readonly string[], target: string, watch: StallWatch): Promise<Artifacts> {
    const from = { docker: this.#deps.docker, id: this.container, workingDir: this.workingDir };
    return await packFromContainer(from, paths, target, watch);
  }

  async measure(): Promise<Usage | null> {
    const query = { stream: false, 'one-shot': true };
    const answer = await this.#deps.docker.json(`/containers/${this.container}/stats`, { query, timeoutMs: 5_000 });
    return usageOf(answer);
  }

  /** `output` is null where nobody is attached: then Docker's own log is read. */
  async #follow(attached: ContainerOutput | null): Promise<Exit> {
    let output = attached;
    for (;;) {
      try {
        output ??= await this.#resumeOutput();
        await this.#deps.docker.json(`/containers/${this.container}/wait`, { method: 'POST' });
        if (!(await output.finish())) await (await this.#resumeOutput()).finish();
        const state = await inspectContainer(this.#deps.docker, this.container);
        return state === null ? removedByOthers() : exitOf(state);
      } catch (error) {
        if (error instanceof DockerError && error.status === 404) return removedByOthers();
        if (!(error instanceof DockerAway)) throw error;
        output?.stop();
        output = null;
        await this.#dockerBack(error);
      }
    }
  }

  #resumeOutput(): Promise<ContainerOutput> {
    return ContainerOutput.resume(this.#deps.docker, this.container, this.#deps.log, () =>
      this.#deps.onProblem(
        'spool-failed',
        'While the agent was away the job wrote more than Docker keeps. A part of its log is lost.',
      ),
    );
  }

  async #dockerBack(why: DockerAway): Promise<void> {
    this.#deps.onProblem('docker-away', `${why.message} The job is taken up again as soon as Docker answers.`);
    for (;;) {
      await sleep(RETRY_MS);
      try {
        await this.#deps.docker.json('/info', { timeoutMs: 5_000 });
        return;
      } catch {
        // Still away.
      }
    }
  }
}

/** Null: there is no such container. `name` is its id or its name. */
export async function inspectContainer(docker: DockerClient, name: string): Promise<ContainerState | null> {
  try {
    const answer = (await docker.json(`/containers/${name}/json`)) as {
      readonly Id: string;
      readonly State: {
        readonly Status: string;
        readonly ExitCode: number;
        readonly OOMKilled: boolean;
        readonly Error: string;
        readonly StartedAt: string;
      };
    }; // the engine's own schema
    const { State: state } = answer;
    return {
      id: answer.Id,
      status: state.Status,
      exitCode: state.ExitCode,
      oomKilled: state.OOMKilled,
      error: state.Error,
      startedAt: Date.parse(state.StartedAt),
    };
  } catch (error) {
    if (error instanceof DockerError && error.status === 404) return null;
    throw error;
  }
}

/** Removes a job's container with all that it wrote, running or not; that there is none is success. */
export async function removeContainer(docker: DockerClient, job: string): Promise<void> {
  const path = `/containers/${containerName(job)}`;
  for (let looks = 0; ; looks++) {
    try {
      await docker.json(path, { method: 'DELETE', query: { force: true, v: true } });
      return;
    } catch (error) {
      if (error instanceof DockerError && error.status === 404) return;
      // An agent that was killed may have asked for it already, and its name is taken until Docker is done.
      const isBeingRemoved = error instanceof DockerError && error.status === 409 && /in progress/.test(error.message);
      if (!isBeingRemoved || looks >= REMOVAL_LOOKS) throw error;
      await sleep(REMOVAL_PAUSE_MS);
    }
  }
}

/** Docker tells no signal: a status above 128 may be one or the program's own. */
function exitOf(state: ContainerState): Exit {
  const message = state.oomKilled
    ? 'It used more memory than it was given and was killed. Ask for more with `resources: memory:`.'
    : state.error;
  return { exitStatus: state.exitCode, signal: null, message, lost: false };
}

function removedByOthers(): Exit {
  return { exitStatus: null, signal: null, message: 'Its container was removed by somebody else.', lost: true };
}

/** Reads Docker's one-shot stats; memory without the page cache that can be dropped, as `docker stats` shows it. */
export function usageOf(stats: unknown): Usage | null {
  const answer = stats as {
    readonly cpu_stats?: { readonly cpu_usage?: { readonly total_usage?: number } };
    readonly memory_stats?: { readonly usage?: number; readonly stats?: Readonly<Record<string, number>> };
  } | null; // the engine's own schema; a container that has ended has empty parts
  const cpuNs = answer?.cpu_stats?.cpu_usage?.total_usage;
  const used = answer?.memory_stats?.usage;
  if (cpuNs === undefined || used === undefined) return null;
  const cgroup = answer?.memory_stats?.stats ?? {};
  // cgroup v1 and v2 name it differently.
  const cache = cgroup.total_inactive_file ?? cgroup.inactive_file ?? 0;
  return { cpuMs: Math.round(cpuNs / 1e6), memoryBytes: Math.max(0, used - cache) };
}
