import { createReadStream } from 'node:fs';
import type { Duplex } from 'node:stream';
import type { AgentEvent, AgentHello } from '@berth/agent';
import { connectAgent, MAX_FRAME_PART, type AgentLink as WireLink } from '@berth/agent';
import type { AgentStartKind, Logger } from '@berth/backend';
import { BerthError } from '@berth/core/errors';
import type { BlobHash, JobId, ProjectId, RandomBytes } from '@berth/core/ids';
import type { AgentConnector, AgentHelloInfo, AgentLink, AgentReport } from '@berth/engine';
import type { InstanceRow, Store } from '@berth/store';
import { receiveArtifacts } from '../artifacts/receive.ts';
import type { BlobStore } from '../blobs/blob-store.ts';
import { artifactPath, type Home } from '../config/home.ts';
import { Pulse } from '../feeds/pulse.ts';
import { LogGap } from '../logs/job-log.ts';
import type { LogStore } from '../logs/log-store.ts';
import type { MetricsRing } from '../metrics/ring.ts';
import { SshMachines } from './ssh-machines.ts';

export interface ConnectorOptions {
  readonly home: Home;
  readonly store: Store;
  readonly logs: LogStore;
  readonly metrics: MetricsRing;
  readonly blobs: BlobStore;
  readonly random: RandomBytes;
  readonly log: Logger;
  /** Names this server in the agents' own logs. */
  readonly installation: string;
  /** How the agents of an instance's backend are started; null: the backend is not known at present. */
  agentStartOf(instance: InstanceRow): AgentStartKind | null;
}

type Target = Parameters<AgentConnector['connect']>[0];

/** What a request has around its assignment: its type, number and method. */
const ENVELOPE_BYTES = 1024;

/**
 * Connects the engine with agents. Logs, metrics, artifacts and blobs flow past it, between the agent
 * and their stores; what a store refuses the link offers again until it is taken, so nothing is lost
 * while a disk is full.
 */
export function createAgentConnector(options: ConnectorOptions): AgentConnector {
  const { store, logs, metrics, log, installation } = options;
  const machines = new SshMachines({
    home: options.home,
    random: options.random,
    log,
    isGone: async (id) => ((await store.read.instances.get(id))?.status ?? 'terminated') === 'terminated',
  });
  /** On this machine the agent's socket, on another one a stream to it. */
  const reach = async (
    { instance, address, secret }: Target,
    row: InstanceRow,
    signal: AbortSignal,
  ): Promise<Duplex | { readonly socketPath: string }> => {
    if (address.kind === 'unix') return { socketPath: address.path };
    const hasOurHostKey = options.agentStartOf(row) === 'user-data';
    return await machines.connect({ instance, address, secret, hasOurHostKey }, signal);
  };
  return {
    maxAssignmentBytes: MAX_FRAME_PART - ENVELOPE_BYTES,
    async connect(target, handlers, signal) {
      const instance = await store.read.instances.get(target.instance);
      if (instance === null) throw new BerthError('not-found', `There is no instance ${target.instance}.`);
      const resume = Object.fromEntries(await Promise.all(target.jobs.map(async (job) => [job, await logs.size(job)])));
      const to = await reach(target, instance, signal);
      let wire: WireLink | null = null;
      const connecting = connectAgent({
        to,
        server: installation,
        secret: target.secret,
        instance: target.instance,
        resume: { event: target.resumeAfter, logs: resume },
        signal,
        handlers: {
          onEvent: ({ seq, at, event }) => handlers.report(seq, at, reportOf(event)),
          onLog: async (job, offset, at, bytes) => {
            try {
              await logs.append(job, offset, at, bytes);
            } catch (error) {
              if (error instanceof LogGap) {
                // The file is shorter than it was said to be, so these bytes can never be added: begin anew.
                log.error('log is shorter than expected', { job, offset, expected: error.expected });
                wire?.close();
              }
              throw error;
            }
          },
          onMetrics: (points) => {
            for (const point of points) metrics.add(point);
          },
          onClose: (error) => handlers.closed(error?.message ?? 'it was closed'),
        },
      });
      try {
        wire = await connecting;
      } catch (error) {
        if (!('socketPath' in to)) to.destroy();
        throw error;
      }
      return linkOf(wire, { ...options, project: instance.projectId });
    },
  };
}

function linkOf(wire: WireLink, options: ConnectorOptions & { readonly project: ProjectId }): AgentLink {
  const { home, store, logs, blobs, random, project } = options;
  return {
    hello: helloInfo(wire.agent),
    submit: async (assignment, signal) => void (await wire.request('job.submit', { assignment }, { signal })),
    start: async (job, cluster, signal) => void (await wire.request('job.start', { job, cluster }, { signal })),
    stop: async (job, graceMs, signal) => void (await wire.request('job.stop', { job, graceMs }, { signal })),
    remove: async (job, signal) => void (await wire.request('job.remove', { job }, { signal })),
    missingBlobs: async (hashes, signal) => (await wire.request('blob.missing', { hashes }, { signal })).missing,
    sendBlob: async (hash: BlobHash, signal) => {
      const { file } = await blobs.open(project, hash);
      await wire.putBlob(hash, createReadStream('', { fd: file, highWaterMark: 512 * 1024 }), { signal });
    },
    fetchArtifacts: async (job, run, signal) => {
      const row = await store.read.jobs.get(job);
      await receiveArtifacts(artifactPath(home, run, job), row?.artifacts?.hash ?? null, random, (to) =>
        wire.readArtifacts(job, to, { signal }),
      );
    },
    logComplete: (job, bytes, signal) => untilStored(logs, job, bytes, signal),
    close: () => wire.close(),
  };
}

/** @throws the signal's reason */
async function untilStored(logs: LogStore, job: JobId, bytes: number, signal: AbortSignal): Promise<void> {
  const pulse = new Pulse();
  const stop = logs.onAppend(job, () => pulse.beat());
  try {
    while ((await logs.size(job)) < bytes) {
      await pulse.wait(signal);
      signal.throwIfAborted();
    }
  } finally {
    stop();
  }
}

function helloInfo({ bootId, host, jobs, unstarted }: AgentHello): AgentHelloInfo {
  return {
    bootId,
    docker: host.docker !== null,
    dockerProblem: host.dockerProblem,
    resources: host.resources,
    jobs: jobs.map(({ job, state, logBytes }) => ({ job, state, logBytes })),
    unstarted: unstarted ?? [],
  };
}

/** The engine need not know processes and containers. */
function reportOf(event: AgentEvent): AgentReport {
  return event.kind === 'job-running' ? { kind: event.kind, job: event.job } : event;
}
