/** What the engine asks of agents: take a job, start it, stop it, and give up what is left of it. */
import type { BlobHash, ClusterInfo, WorkSpec } from '@berth/core';
import { BerthError, isJobFinished, isUserMistake } from '@berth/core';
import type { InstanceRow, JobRow, Patch } from '@berth/store';
import { makeAssignment } from './assignment.ts';
import type { Books } from './books.ts';
import { messageOf } from './effects.ts';
import type { Links } from './links.ts';
import type { AgentLink, EnginePorts } from './ports.ts';

export class Delivery {
  readonly #ports: EnginePorts;
  readonly #books: Books;
  readonly #links: Links;

  constructor(ports: EnginePorts, books: Books, links: Links) {
    this.#ports = ports;
    this.#books = books;
    this.#links = links;
  }

  async submit(job: JobRow, instance: InstanceRow, signal: AbortSignal): Promise<void> {
    const link = this.#linkOf(instance);
    const { read } = this.#books.store;
    const run = await read.runs.get(job.runId);
    const project = await read.projects.get(job.projectId);
    if (run === null || project === null) return;
    let assignment: ReturnType<typeof makeAssignment>;
    try {
      assignment = makeAssignment({
        run,
        job,
        instance,
        projectName: project.name,
        secrets: await this.#ports.secrets(job.projectId),
        openSealed: (sealed) => this.#ports.sealer.open(sealed),
        maxBytes: this.#ports.agents.maxAssignmentBytes,
      });
    } catch (error) {
      if (!(error instanceof BerthError)) throw error;
      return this.#cannotBeSetUp(job, error.message);
    }
    try {
      await sendBlobs(link, blobsOf(run.spec.work), signal);
      // Cancelled, because nobody wants the job any more: then the agent must not hear of it.
      signal.throwIfAborted();
      await link.submit(assignment, signal);
    } catch (error) {
      // Trying again would bring the same answer: the agent refuses the job, or its code is here no more.
      if (signal.aborted || !isUserMistake(error)) throw error;
      return this.#cannotBeSetUp(job, error.message);
    }
    // Its reports have most often overtaken this answer.
    if ((await read.jobs.get(job.id))?.agentState !== null) return;
    await this.#books.write(null, async (tx) => {
      const fresh = await tx.read.jobs.get(job.id);
      if (fresh?.status === 'pulling' && fresh.agentState === null) {
        await tx.change('jobs', fresh, { agentState: 'preparing' });
      }
    });
  }

  async start(job: JobRow, signal: AbortSignal): Promise<void> {
    const { read } = this.#books.store;
    const jobs = await read.jobs.find({ where: { runId: job.runId, submission: job.submission } });
    const nodes = jobs.filter((peer) => peer.replica === job.replica).sort((a, b) => a.node - b.node);
    const instances: InstanceRow[] = [];
    for (const node of nodes) {
      const instance = node.instanceId === null ? null : await read.instances.get(node.instanceId);
      if (instance === null) throw new Error(`Node ${node.node} has no instance.`);
      instances.push(instance);
    }
    const own = instances[nodes.findIndex((node) => node.id === job.id)];
    if (own === undefined) return;
    const cluster: ClusterInfo = {
      rank: job.node,
      ips: instances.map((instance) => instance.internalIp ?? '127.0.0.1'),
      gpusPerNode: instances.map((instance) => instance.resources.accelerators.reduce((sum, a) => sum + a.count, 0)),
    };
    await this.#linkOf(own).start(job.id, cluster, signal);
  }

  /** The job must not be under submission any more. */
  async stop(job: JobRow, instance: InstanceRow, graceMs: number, signal: AbortSignal): Promise<void> {
    const link = this.#linkOf(instance);
    await link.stop(job.id, graceMs, signal);
    if (job.agentState !== null) return;
    // The agent may never have heard of the job, and then it never reports an end.
    await link.remove(job.id, signal);
    await this.#books.write(null, async (tx) => {
      const fresh = await tx.read.jobs.get(job.id);
      if (fresh?.status !== 'terminating' || fresh.agentState !== null) return;
      const now = this.#ports.clock.now();
      await tx.change('jobs', fresh, {
        agentState: 'ended',
        endReason: fresh.stopReason,
        finishedAt: now,
        cleanedAt: now,
      });
    });
  }

  /** Resolves when everything that the job left at the agent is here, and the agent has forgotten it. */
  async drain(job: JobRow, instance: InstanceRow, signal: AbortSignal): Promise<void> {
    const link = this.#linkOf(instance);
    if (job.logBytes !== null) await link.logComplete(job.id, job.logBytes, signal);
    let problem: string | null = null;
    if (job.artifacts !== null && !job.artifacts.fetched) {
      problem = await this.#fetchArtifacts(link, job, signal);
      // Before the agent forgets them: a server that dies in between must not believe them lost.
      if (problem === null) await this.#note(job, (fresh) => ({ artifacts: fetched(fresh.artifacts) }));
    }
    await link.remove(job.id, signal);
    await this.#note(job, (fresh) => ({
      cleanedAt: this.#ports.clock.now(),
      ...(problem === null ? {} : { message: [fresh.message, problem].filter(Boolean).join(' ') }),
    }));
  }

  /** What it left cannot be had; the agent need not keep it. */
  async forget(job: JobRow, instance: InstanceRow, signal: AbortSignal): Promise<void> {
    await this.#links.link(instance.id)?.remove(job.id, signal);
  }

  async #note(job: JobRow, patch: (fresh: JobRow) => Patch<JobRow>): Promise<void> {
    await this.#books.write(null, async (tx) => {
      const fresh = await tx.read.jobs.get(job.id);
      if (fresh !== null && !isJobFinished(fresh.status)) await tx.change('jobs', fresh, patch(fresh));
    });
  }

  /** Null, or why they can never be fetched. What may pass is thrown, and tried again. */
  async #fetchArtifacts(link: AgentLink, job: JobRow, signal: AbortSignal): Promise<string | null> {
    try {
      await link.fetchArtifacts(job.id, job.runId, signal);
      return null;
    } catch (error) {
      if (error instanceof BerthError && error.code === 'not-found') {
        return `Its artifacts could not be fetched: ${messageOf(error)}`;
      }
      throw error;
    }
  }

  async #cannotBeSetUp(job: JobRow, message: string): Promise<void> {
    await this.#books.write(null, async (tx) => {
      const fresh = await tx.read.jobs.get(job.id);
      if (fresh?.status !== 'pulling' || fresh.agentState !== null) return;
      const now = this.#ports.clock.now();
      await tx.change('jobs', fresh, {
        status: 'terminating',
        agentState: 'ended',
        endReason: 'setup-error',
        message,
        finishedAt: now,
        cleanedAt: now,
      });
    });
  }

  #linkOf(instance: InstanceRow): AgentLink {
    const link = this.#links.link(instance.id);
    if (link === null) throw new Error('The link to the agent is down.');
    return link;
  }
}

async function sendBlobs(link: AgentLink, hashes: readonly BlobHash[], signal: AbortSignal): Promise<void> {
  if (hashes.length === 0) return;
  for (const hash of await link.missingBlobs(hashes, signal)) await link.sendBlob(hash, signal);
}

function fetched(artifacts: JobRow['artifacts']): JobRow['artifacts'] {
  return artifacts === null ? null : { ...artifacts, fetched: true };
}

function blobsOf(work: WorkSpec): BlobHash[] {
  const hashes = work.files.map((file) => file.blob);
  if (work.code?.kind === 'tar') hashes.push(work.code.blob);
  if (work.code?.kind === 'git' && work.code.diff !== null) hashes.push(work.code.diff);
  return [...new Set(hashes)];
}
