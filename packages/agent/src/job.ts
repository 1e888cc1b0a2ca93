import type { JobId } from '@berth/core/ids';
import type { ClusterInfo } from '@berth/core/job-spec';
import { artifactsMessage } from './artifacts.ts';
import type { AgentClock, ForwardTime } from './clock.ts';
import type { Driver, Execution, Exit } from './driver.ts';
import { fullDisk, isDiskFull, JobFailure, messageOf, RequestFailure } from './failure.ts';
import type { JobLog } from './job-log.ts';
import { type JobEnded, type JobRecord, saveRecord, unmarkUnstarted } from './job-record.ts';
import { Later } from './later.ts';
import { findProcess } from './process-table.ts';
import type { AgentEvent, AgentJob, AgentJobState } from './protocol.ts';
import { StallWatch } from './stall-watch.ts';

/** How long the end of a job may wait for its log to reach the disk. */
const FLUSH_MS = 5_000;
/** Artifacts of which not a byte has moved for so long are given up: a job always ends. */
const ARTIFACTS_STALL_MS = 60_000;
/** What a job that is told to stop while they are collected gets for them at least: most are small. */
const ARTIFACTS_HURRY_MS = 10_000;
/** A signal that could not be sent (Docker is away) is tried again after this. */
const SIGNAL_RETRY_MS = 1_000;

export interface JobDeps {
  /** The job's own directory, made already. */
  readonly dir: string;
  readonly clock: AgentClock;
  readonly time: ForwardTime;
  readonly log: JobLog;
  /** Resolves when the event is in the journal. */
  readonly emit: (event: AgentEvent) => Promise<void>;
  /** In ms; for tests. */
  readonly artifactsStallMs?: number;
}

/** How it ended, as far as the job itself knows. */
type End = Pick<JobEnded, 'reason' | 'message' | 'exitStatus' | 'signal' | 'artifacts'>;

/**
 * One job, from its acceptance to its end: preparing → ready → running → ended. Whatever goes wrong
 * on the way is its end, told in a message; nothing is thrown at the agent.
 */
export class Job {
  readonly id: JobId;
  readonly log: JobLog;
  readonly #deps: JobDeps;
  #record: JobRecord;
  #state: AgentJobState;
  #execution: Execution | null = null;
  /** Null: nobody wants it stopped. */
  #stop: { readonly reason: 'stopped' | 'max-duration'; graceMs: number } | null = null;
  /** While artifacts are being collected. */
  #collecting: StallWatch | null = null;
  /** The process is gone; only what it left is still being brought. */
  #isOver = false;
  readonly #stopping = new AbortController();
  readonly #order = Promise.withResolvers<ClusterInfo>();
  /** Resolves when the job runs, or has ended without. */
  readonly #begun = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  readonly #kill: Later;
  readonly #deadline: Later;

  private constructor(record: JobRecord, state: AgentJobState, deps: JobDeps) {
    this.id = record.job;
    this.log = deps.log;
    this.#deps = deps;
    this.#record = record;
    this.#state = state;
    this.#kill = new Later(deps.clock);
    this.#deadline = new Later(deps.clock);
    // What nobody waits for must not count as an unhandled rejection.
    this.#order.promise.catch(() => undefined);
  }

  /** A new job; begins to prepare at once. */
  static accept(record: JobRecord, deps: JobDeps, makeDriver: (job: Job) => Driver): Job {
    const job = new Job(record, 'preparing', deps);
    void job.#live(() => job.#carryOut(makeDriver(job)));
    return job;
  }

  /** A job that an earlier agent had started; `takeUp` finds it again, or throws why it cannot. */
  static resume(record: JobRecord, deps: JobDeps, takeUp: () => Promise<Execution>): Job {
    const job = new Job(record, 'running', deps);
    void job.#live(async () => await job.#follow(await takeUp()));
    return job;
  }

  /** A job that had ended before. */
  static past(record: JobRecord, deps: JobDeps): Job {
    const job = new Job(record, 'ended', deps);
    job.#begun.resolve();
    job.#ended.resolve();
    return job;
  }

  /** Resolves when it has all that it needs to run, because it runs, or needs nothing, because it has ended. */
  get begun(): Promise<void> {
    return this.#begun.promise;
  }

  /** Resolves when its end is in the journal. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  get isEnded(): boolean {
    return this.#state === 'ended';
  }

  /** It was asked to end and has not ended yet. */
  get isStopping(): boolean {
    return this.#stop !== null && !this.isEnded;
  }

  get record(): JobRecord {
    return this.#record;
  }

  /** The running process or container; null: it is not running. */
  get execution(): Execution | null {
    return this.#isOver ? null : this.#execution;
  }

  snapshot(): AgentJob {
    return { job: this.id, state: this.#state, logBytes: this.log.end };
  }

  /** Resolves when the job runs, or ended in the attempt. */
  async start(cluster: ClusterInfo): Promise<void> {
    if (this.#state === 'preparing') {
      throw new RequestFailure('wrong-state', `The job ${this.id} is still being prepared; wait for job-ready.`);
    }
    this.#order.resolve(cluster);
    await this.#begun.promise;
  }

  /** Ends the job, with `graceMs` between SIGTERM and SIGKILL; a later call can only shorten the time. */
  stop(graceMs: number, reason: 'stopped' | 'max-duration' = 'stopped'): void {
    if (this.#collecting !== null) this.#hurryCollection(graceMs);
    if (this.#isOver || this.#state === 'ended') return;
    const isFirst = this.#stop === null;
    this.#stop ??= { reason, graceMs };
    this.#stop.graceMs = Math.min(this.#stop.graceMs, graceMs);
    this.#stopping.abort();
    if (this.#execution === null) return; // it is not running yet, and now never will
    if (isFirst && graceMs > 0) this.#signal('SIGTERM');
    this.#kill.set(graceMs, () => this.#signal('SIGKILL'), 'keep-sooner');
  }

  /** A container is complete and waits to be started. */
  async rememberContainer(id: string, workingDir: string): Promise<void> {
    await this.#save({ container: { id, workingDir } });
    await unmarkUnstarted(this.#deps.dir);
  }

  async #live(life: () => Promise<End>): Promise<void> {
    let end: End;
    try {
      end = await life();
    } catch (error) {
      end = this.#endByFailure(error);
    }
    try {
      await this.#finish(end);
    } finally {
      this.#begun.resolve();
      this.#ended.resolve();
    }
  }

  async #carryOut(driver: Driver): Promise<End> {
    const { signal } = this.#stopping;
    await this.#save({});
    await driver.prepare((step, progress) => {
      void this.#deps.emit({ kind: 'job-preparing', job: this.id, step, progress });
    }, signal);
    signal.throwIfAborted();
    this.#state = 'ready';
    await this.#deps.emit({ kind: 'job-ready', job: this.id });
    signal.addEventListener('abort', () => this.#order.reject(signal.reason));
    const cluster = await this.#order.promise;
    signal.throwIfAborted();
    await this.#save({ state: 'starting' });
    // A container is started only once it is remembered.
    if (this.#record.driver === 'process') await unmarkUnstarted(this.#deps.dir);
    return await this.#follow(await driver.start(cluster, signal));
  }

  async #follow(execution: Execution): Promise<End> {
    this.#execution = execution;
    this.#state = 'running';
    const wasKnown = this.#record.state === 'running';
    const { clock } = this.#deps;
    const started = this.#record.started ?? {
      at: execution.startedAt,
      sinceBoot: clock.sinceBoot(),
      boot: clock.boot,
    };
    await this.#save({
      state: 'running',
      process: this.#record.process ?? identify(execution.pid, clock.boot),
      container: execution.container === null ? null : { id: execution.container, workingDir: execution.workingDir },
      started,
    });
    if (!wasKnown) {
      await this.#deps.emit({
        kind: 'job-running',
        job: this.id,
        pid: execution.pid,
        container: execution.container,
      });
    }
    this.#begun.resolve();
    if (this.#stop !== null) {
      // It was asked for while the job was being started.
      this.#signal(this.#stop.graceMs > 0 ? 'SIGTERM' : 'SIGKILL');
      this.#kill.set(this.#stop.graceMs, () => this.#signal('SIGKILL'));
    }
    this.#limitDuration(started);
    const exit = await execution.exit;
    this.#isOver = true;
    this.#kill.cancel();
    this.#deadline.cancel();
    return await this.#endByExit(exit, execution);
  }

  #limitDuration(started: NonNullable<JobRecord['started']>): void {
    const { maxDurationMs, stopDurationMs } = this.#record;
    if (maxDurationMs === null) return;
    const { clock } = this.#deps;
    // Within one boot of the machine time is told without the wall clock, which may be set.
    const elapsed =
      started.boot !== null && started.boot === clock.boot
        ? clock.sinceBoot() - started.sinceBoot
        : Math.max(0, clock.now() - started.at);
    this.#deadline.set(maxDurationMs - elapsed, () => this.stop(stopDurationMs, 'max-duration'));
  }

  #signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    if (this.#execution === null || this.#isOver) return;
    this.#execution.kill(signal).catch(() => {
      setTimeout(() => this.#signal(signal), SIGNAL_RETRY_MS);
    });
  }

  async #endByExit(exit: Exit, execution: Execution): Promise<End> {
    const { exitStatus, signal } = exit;
    if (exit.lost) return { reason: 'agent-lost', message: exit.message, exitStatus, signal, artifacts: null };
    const reason = this.#record.exited?.reason ?? this.#stop?.reason ?? 'exited';
    if (this.#record.artifacts.length > 0) {
      // They may take long, and an agent that is killed meanwhile must not lose the end that was seen.
      await this.#save({
        exited: { reason, message: exit.message, exitStatus, signal, workingDir: execution.workingDir },
      });
    }
    const artifacts = await this.#collect(execution);
    const limit = reason === 'max-duration' ? 'It ran for as long as its max_duration allows.' : '';
    const message = [exit.message === '' ? limit : exit.message, artifacts.message]
      .filter((part) => part !== '')
      .join(' ');
    return { reason, message, exitStatus, signal, artifacts: artifacts.packed };
  }

  #endByFailure(error: unknown): End {
    this.#execution?.kill('SIGKILL').catch(() => undefined);
    this.#isOver = true;
    const base = { exitStatus: null, signal: null, artifacts: null };
    if (this.#stop !== null) return { reason: this.#stop.reason, message: '', ...base };
    if (error instanceof JobFailure) return { reason: error.reason, message: error.message, ...base };
    const why = isDiskFull(error) ? fullDisk(this.#deps.dir) : messageOf(error);
    const message = `The agent could not carry the job out: ${why}.`.replace(/\.\.$/, '.');
    return { reason: 'setup-error', message, ...base };
  }

  async #collect(execution: Execution): Promise<{ packed: JobEnded['artifacts']; message: string }> {
    const paths = this.#record.artifacts;
    if (paths.length === 0) return { packed: null, message: '' };
    const failed = (error: unknown) => ({ packed: null, missing: [], problems: [messageOf(error)] });
    const watch = new StallWatch(this.#deps.artifactsStallMs ?? ARTIFACTS_STALL_MS);
    this.#collecting = watch;
    const collected = execution.collectArtifacts(paths, artifactsPath(this.#deps.dir), watch);
    const found = await watch.over(collected).catch(failed);
    this.#collecting = null;
    watch.stop();
    this.#kill.cancel();
    const message = artifactsMessage(found);
    if (message !== '') void this.#deps.emit({ kind: 'problem', job: this.id, code: 'artifacts', message });
    return { packed: found.packed, message };
  }

  /** The job itself has ended; who wants it stopped wants not to wait for what it left either. */
  #hurryCollection(graceMs: number): void {
    const limitMs = Math.max(graceMs, ARTIFACTS_HURRY_MS);
    this.#kill.set(limitMs, () => this.#collecting?.end('It was stopped while they were collected'), 'keep-sooner');
  }

  async #finish(end: End): Promise<void> {
    this.#isOver = true;
    this.#kill.cancel();
    this.#deadline.cancel();
    this.log.closeGap();
    await this.log.flushed(FLUSH_MS);
    await this.log.rest();
    const ended: JobEnded = {
      kind: 'job-ended',
      job: this.id,
      ...end,
      startedAt: this.#record.started?.at ?? null,
      endedAt: this.#deps.time.now(),
      logBytes: this.log.end,
    };
    // First in memory: who hears of the end may ask for the artifacts at once.
    this.#state = 'ended';
    this.#record = { ...this.#record, state: 'ended', ended };
    await this.#deps.emit(ended);
    await this.#save({});
  }

  /** A disk that refuses must not end the job: a restarted agent would know less of it, no more. */
  async #save(change: Partial<JobRecord>): Promise<void> {
    this.#record = { ...this.#record, ...change };
    await saveRecord(this.#deps.dir, this.#record).catch(() => undefined);
  }
}

/** Where an ended job's artifacts wait. */
export function artifactsPath(jobDir: string): string {
  return `${jobDir}/artifacts.tar.gz`;
}

function identify(pid: number | null, boot: string | null): JobRecord['process'] {
  const found = pid === null ? null : findProcess(pid);
  return found === null ? null : { pid: found.pid, startTime: found.startTime, boot };
}
