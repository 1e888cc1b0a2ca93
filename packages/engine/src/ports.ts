/**
 * What the engine needs from outside, as interfaces. The server's composition root plugs in the real
 * parts, the simulation plugs in simulated ones; the engine knows neither.
 */
import type { AgentAddress, AgentStart, AgentStartKind, BackendKind, Compute, Facet, Logger } from '@berth/backend';
import type {
  AcceleratorCount,
  BlobHash,
  ClusterInfo,
  InstanceId,
  InstanceResources,
  JobAssignment,
  JobId,
  Millis,
  Offer,
  ProjectId,
  RandomBytes,
  Requirements,
  RunId,
  Secret,
} from '@berth/core';
import type { Store } from '@berth/store';
import type { Lanes } from './lanes.ts';

/** Time and timers. `after` runs once; the returned function cancels. */
export interface EngineClock {
  now(): Millis;
  after(delayMs: number, run: () => void): () => void;
}

/** A backend that is configured for a project and can be used. */
export interface UsableBackend {
  readonly name: string;
  readonly type: string;
  readonly facets: readonly Facet[];
  readonly provisioningTimeoutMs: number;
  /** How late the cloud's list may learn of a new machine; absent: `LIST_LAG_MS`. */
  readonly listLagMs?: number;
  readonly kind: BackendKind;
  readonly agentStart: AgentStartKind;
  /** Deadlines, error mapping and redaction are already around it. */
  readonly compute: Compute;
  offers(requirements: Requirements | null, signal: AbortSignal): Promise<readonly Offer[]>;
  /** Throws away what is remembered, because it was just proven wrong. */
  forgetOffers(): void;
}

export interface Backends {
  /** Those of the project that can be used now. */
  usable(project: ProjectId): readonly UsableBackend[];
  get(project: ProjectId, name: string): UsableBackend | null;
  /** Called when a project's backends change. Returns the way to stop listening. */
  onChange(listener: (project: ProjectId) => void): () => void;
}

export interface AgentHelloInfo {
  readonly bootId: string;
  readonly docker: boolean;
  readonly dockerProblem: string | null;
  readonly resources: InstanceResources;
  readonly jobs: readonly {
    readonly job: JobId;
    readonly state: 'preparing' | 'ready' | 'running' | 'ended';
    readonly logBytes: number;
  }[];
  /** Jobs that it had accepted, provably not started, and forgotten with a restart. */
  readonly unstarted?: readonly JobId[];
}

/** What an agent reports, see the protocol. */
export type AgentReport =
  | { readonly kind: 'job-preparing'; readonly job: JobId; readonly step: string; readonly progress: number | null }
  | { readonly kind: 'job-ready'; readonly job: JobId }
  | { readonly kind: 'job-running'; readonly job: JobId }
  | {
      readonly kind: 'job-ended';
      readonly job: JobId;
      readonly reason: 'exited' | 'max-duration' | 'stopped' | 'image-error' | 'setup-error' | 'agent-lost';
      readonly message: string;
      readonly exitStatus: number | null;
      readonly signal: string | null;
      readonly startedAt: Millis | null;
      readonly endedAt: Millis;
      readonly logBytes: number;
      readonly artifacts: { readonly bytes: number; readonly hash: BlobHash } | null;
    }
  | { readonly kind: 'problem'; readonly job: JobId | null; readonly code: string; readonly message: string };

export interface AgentHandlers {
  /**
   * Resolves when the report is stored; only then is it acknowledged. After a rejection it must come
   * again, on this link or on the next. A report that was stored already changes nothing.
   */
  report(seq: number, at: Millis, report: AgentReport): Promise<void>;
  /** The link is gone; nothing else will be called. */
  closed(reason: string): void;
}

/**
 * One live connection to one agent. Logs and metrics flow past the engine, into their stores.
 *
 * What a request throws is tried again with back-off, except a `BerthError` that is the asker's mistake
 * (`isUserMistake`): of `submit` and `sendBlob` it ends the job as `setup-error` with its message, and
 * `not-found` of `fetchArtifacts` means that there is nothing to be had. Every request honours its signal.
 */
export interface AgentLink {
  readonly hello: AgentHelloInfo;
  /** Repeating it for a job that the agent has changes nothing. */
  submit(assignment: JobAssignment, signal: AbortSignal): Promise<void>;
  /** Repeating it changes nothing. */
  start(job: JobId, cluster: ClusterInfo, signal: AbortSignal): Promise<void>;
  /** Of a job that has ended, or that the agent does not know: does nothing. */
  stop(job: JobId, graceMs: number, signal: AbortSignal): Promise<void>;
  /** Of a job that the agent does not know: does nothing. Throws while the job has not ended. */
  remove(job: JobId, signal: AbortSignal): Promise<void>;
  missingBlobs(hashes: readonly BlobHash[], signal: AbortSignal): Promise<readonly BlobHash[]>;
  /** Sends a blob from the server's blob store. */
  sendBlob(hash: BlobHash, signal: AbortSignal): Promise<void>;
  /** Brings an ended job's artifacts into the server's artifact store. */
  fetchArtifacts(job: JobId, run: RunId, signal: AbortSignal): Promise<void>;
  /** Resolves once every byte of the job's log up to `bytes` is in the log store. */
  logComplete(job: JobId, bytes: number, signal: AbortSignal): Promise<void>;
  close(): void;
}

export interface AgentConnector {
  /** How large an assignment may be as JSON in UTF-8; what is larger is refused before it is sent. */
  readonly maxAssignmentBytes: number;
  /** Throws when nobody answers, or somebody else does. */
  connect(
    target: {
      readonly instance: InstanceId;
      readonly address: AgentAddress;
      readonly secret: Secret<string>;
      readonly resumeAfter: number;
      readonly jobs: readonly JobId[];
    },
    handlers: AgentHandlers,
    signal: AbortSignal,
  ): Promise<AgentLink>;
}

/** Seals what must not lie in the store in plain. */
export interface Sealer {
  seal(plain: Secret<string>): string;
  open(sealed: string): Secret<string>;
}

export interface EnginePorts {
  readonly store: Store;
  readonly clock: EngineClock;
  readonly random: RandomBytes;
  readonly log: Logger;
  readonly backends: Backends;
  readonly agents: AgentConnector;
  readonly sealer: Sealer;
  /** Which part of the work is this server's; absent: all of it, because there is no other. */
  readonly lanes?: Lanes;
  /** Identifies this installation of Berth; part of owner tags. */
  readonly installation: string;
  /** How a machine of this backend comes to run an agent. The same arguments give the same answer. */
  agentStart(instance: InstanceId, backend: UsableBackend, agentSecret: Secret<string>): AgentStart;
  /** Values of a project's secrets by name, for `${{ secrets.NAME }}`. */
  secrets(project: ProjectId): Promise<ReadonlyMap<string, Secret<string>>>;
}

export type { AcceleratorCount };
