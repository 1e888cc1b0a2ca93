import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BlobHash, InstanceId, JobId } from '@berth/core/ids';
import type { JobAssignment, WorkSpec } from '@berth/core/job-spec';
import type { InstanceResources } from '@berth/core/offer';
import type { BlobStore } from './blob-store.ts';
import { type AgentClock, ForwardTime } from './clock.ts';
import { removeContainer } from './container-execution.ts';
import { DockerAway, type DockerClient } from './docker-client.ts';
import { DockerDriver } from './docker-driver.ts';
import type { Driver } from './driver.ts';
import { messageOf, RequestFailure } from './failure.ts';
import { vendorOf } from './host.ts';
import { Job, type JobDeps } from './job.ts';
import { removeJobFiles } from './job-files.ts';
import { JobLog } from './job-log.ts';
import { isUnstarted, type JobRecord, loadRecord, markUnstarted } from './job-record.ts';
import { ownContainers, takeUpContainer, takeUpProcess } from './job-recovery.ts';
import { LogSpool, type SpoolOptions } from './log-spool.ts';
import { ProcessDriver } from './process-driver.ts';
import type { AgentEvent } from './protocol.ts';

export interface JobTableDeps {
  /** The agent's directory. */
  readonly dir: string;
  readonly instance: InstanceId;
  readonly resources: InstanceResources;
  readonly docker: DockerClient;
  readonly blobs: BlobStore;
  readonly clock: AgentClock;
  readonly spool: SpoolOptions;
  readonly emit: (event: AgentEvent) => Promise<void>;
  /** Some job's log has more to send. */
  readonly onLogData: () => void;
}

/** How long a removal waits for the end of a job that is being stopped; less than a request may take. */
const REMOVE_WAIT_MS = 15_000;

/** The jobs of this agent, by id: accepts new ones, takes up old ones, forgets ended ones. */
export class JobTable {
  readonly #deps: JobTableDeps;
  readonly #jobs = new Map<JobId, Job>();
  /** Submissions that are being accepted: a repeat joins the first. */
  readonly #accepting = new Map<JobId, Promise<void>>();
  readonly #removed: Set<string>;
  readonly #unstarted = new Set<JobId>();

  private constructor(deps: JobTableDeps, removed: readonly string[]) {
    this.#deps = deps;
    this.#removed = new Set(removed);
  }

  /**
   * Takes up what an earlier agent left. Jobs that had not been started are forgotten (`onForgotten`)
   * but for their names: what they need to run was only in memory.
   */
  static async open(deps: JobTableDeps, onForgotten: (job: JobId) => void): Promise<JobTable> {
    for (const name of ['jobs', 'removed', 'unstarted'])
      await mkdir(join(deps.dir, name), { recursive: true, mode: 0o700 });
    const table = new JobTable(deps, await readdir(join(deps.dir, 'removed')));
    for (const name of await readdir(join(deps.dir, 'jobs'))) {
      const dir = join(deps.dir, 'jobs', name);
      if (table.#removed.has(name)) {
        await removeJobFiles(name, dir).catch(() => undefined); // told when it was removed
        continue;
      }
      const record = await loadRecord(dir);
      const unstarted = await isUnstarted(dir);
      if (record !== null && (record.state === 'ended' || !unstarted)) {
        await table.#takeUp(record, dir);
      } else {
        // First its name: a job of which nothing is known is believed to have run.
        if (unstarted) await writeFile(join(deps.dir, 'unstarted', name), '', { mode: 0o600 }).catch(() => undefined);
        await removeJobFiles(name, dir);
        if (record !== null) onForgotten(record.job);
      }
    }
    for (const name of await readdir(join(deps.dir, 'unstarted'))) table.#unstarted.add(name as JobId); // named by us
    return table;
  }

  /** Jobs that an earlier agent had accepted and not started, and that were not submitted again since. */
  get unstarted(): readonly JobId[] {
    return [...this.#unstarted];
  }

  get all(): readonly Job[] {
    return [...this.#jobs.values()];
  }

  *logs(): Iterable<readonly [JobId, JobLog]> {
    for (const [id, job] of this.#jobs) yield [id, job.log];
  }

  find(id: JobId): Job | undefined {
    return this.#jobs.get(id);
  }

  /** Throws `RequestFailure` when there is no such job. */
  get(id: JobId): Job {
    const job = this.#jobs.get(id);
    if (job !== undefined) return job;
    throw new RequestFailure(
      'not-found',
      `This agent has no job ${id}. If it was submitted before a restart, submit it again.`,
    );
  }

  /** Accepts a job, or joins its acceptance; a job that is known already is left as it is. */
  async submit(assignment: JobAssignment): Promise<void> {
    const id = assignment.job;
    if (this.#jobs.has(id)) return;
    if (this.#removed.has(id)) {
      throw new RequestFailure('wrong-state', `The job ${id} ended and was removed; it does not run again.`);
    }
    const accepting = this.#accepting.get(id) ?? this.#accept(assignment).finally(() => this.#accepting.delete(id));
    this.#accepting.set(id, accepting);
    await accepting;
  }

  /** Forgets a job that has ended, or is about to, and all that it left; that there is none is success. */
  async remove(id: JobId): Promise<void> {
    await this.#forgetUnstarted(id);
    const job = this.#jobs.get(id);
    if (job === undefined) return;
    if (job.isStopping) await Promise.race([job.ended, sleep(REMOVE_WAIT_MS, undefined, { ref: false })]);
    if (!job.isEnded) throw new RequestFailure('wrong-state', `The job ${id} has not ended; stop it first.`);
    await job.ended;
    if (job.record.driver === 'docker') await this.#removeContainer(id);
    await writeFile(join(this.#deps.dir, 'removed', id), '', { mode: 0o600 });
    this.#removed.add(id);
    this.#jobs.delete(id);
    await job.log.close();
    await removeJobFiles(id, join(this.#deps.dir, 'jobs', id)).catch((error: unknown) => {
      // The job is over, and its machine must not be held for this. The next agent tries again.
      this.#problems(id)('internal', `Something of the job cannot be removed: ${messageOf(error)}.`);
    });
    void this.#deps.blobs.sweep();
  }

  /**
   * An ended container costs nothing but a name, and where Docker never answered there is none: its being
   * away must not hold up the end of the job, nor the machine. The next sweep removes what is left.
   */
  async #removeContainer(id: JobId): Promise<void> {
    try {
      await removeContainer(this.#deps.docker, id);
    } catch (error) {
      if (!(error instanceof DockerAway)) throw error;
    }
  }

  /** Containers of ours that belong to no job any more. Docker being away is no failure: the next agent asks again. */
  async sweepContainers(): Promise<void> {
    try {
      for (const job of await ownContainers(this.#deps.docker, this.#deps.instance)) {
        const id = job as JobId; // the label was written from one
        if (!this.#jobs.has(id) && !this.#accepting.has(id)) await removeContainer(this.#deps.docker, job);
      }
    } catch {
      // See above.
    }
  }

  async #accept(assignment: JobAssignment): Promise<void> {
    const unpin = this.#deps.blobs.pin(blobsOf(assignment.work));
    try {
      const job = await this.#make(assignment);
      void job.begun.then(unpin);
    } catch (error) {
      unpin();
      throw error;
    }
  }

  async #make(assignment: JobAssignment): Promise<Job> {
    const dir = join(this.#deps.dir, 'jobs', assignment.job);
    await removeJobFiles(assignment.job, dir);
    await mkdir(dir, { mode: 0o700 });
    await markUnstarted(dir);
    await this.#forgetUnstarted(assignment.job);
    const deps = await this.#jobDeps(assignment.job, dir);
    const job = Job.accept(newRecord(assignment), deps, (self) => this.#driver(assignment, dir, deps, self));
    this.#jobs.set(job.id, job);
    return job;
  }

  /** For an agent whose directory is gone: what else its jobs have on this machine. Never throws. */
  async removeElsewhere(): Promise<void> {
    for (const { id } of this.all) {
      await removeJobFiles(id, join(this.#deps.dir, 'jobs', id)).catch(() => undefined);
    }
  }

  async #forgetUnstarted(id: JobId): Promise<void> {
    if (this.#unstarted.delete(id)) await rm(join(this.#deps.dir, 'unstarted', id), { force: true });
  }

  async #takeUp(record: JobRecord, dir: string): Promise<void> {
    const deps = await this.#jobDeps(record.job, dir);
    const { docker, clock } = this.#deps;
    const onProblem = this.#problems(record.job);
    const takeUp =
      record.driver === 'process'
        ? () => takeUpProcess(record, clock.boot)
        : () =>
            takeUpContainer(record, { docker, log: deps.log, onProblem }, deps.time, (away) =>
              onProblem('docker-away', `${away.message} The job is taken up again as soon as Docker answers.`),
            );
    const job = record.state === 'ended' ? Job.past(record, deps) : Job.resume(record, deps, takeUp);
    this.#jobs.set(job.id, job);
  }

  async #jobDeps(id: JobId, dir: string): Promise<JobDeps> {
    const spool = await LogSpool.open(join(dir, 'log'), this.#deps.spool);
    const log = new JobLog(spool, { onData: this.#deps.onLogData, onProblem: this.#problems(id) });
    const { clock, emit } = this.#deps;
    return { dir, clock, time: new ForwardTime(clock, spool.lastAt), log, emit };
  }

  #driver(assignment: JobAssignment, dir: string, deps: JobDeps, job: Job): Driver {
    const { blobs, docker, instance, resources } = this.#deps;
    const common = { assignment, dir, blobs, log: deps.log, time: deps.time, vendor: vendorOf(resources) };
    if (assignment.work.image === null) return new ProcessDriver(common);
    return new DockerDriver({
      ...common,
      docker,
      instance,
      cpus: resources.cpus,
      onProblem: this.#problems(assignment.job),
      onContainer: (id, workingDir) => job.rememberContainer(id, workingDir),
    });
  }

  #problems(job: JobId): (code: Extract<AgentEvent, { kind: 'problem' }>['code'], message: string) => void {
    return (code, message) => void this.#deps.emit({ kind: 'problem', job, code, message });
  }
}

function blobsOf({ code, files }: WorkSpec): BlobHash[] {
  const ofCode = code?.kind === 'tar' ? code.blob : (code?.diff ?? null);
  return [...(ofCode === null ? [] : [ofCode]), ...files.map((file) => file.blob)];
}

function newRecord(assignment: JobAssignment): JobRecord {
  const { work, limits } = assignment;
  return {
    version: 1,
    job: assignment.job,
    driver: work.image === null ? 'process' : 'docker',
    state: 'preparing',
    process: null,
    container: null,
    started: null,
    maxDurationMs: work.maxDurationMs,
    stopDurationMs: work.stopDurationMs,
    artifacts: work.artifacts,
    gpuDevices: limits.gpuDevices,
    ended: null,
  };
}
