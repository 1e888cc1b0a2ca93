/**
 * What server and agent say to each other, over any duplex byte stream (a unix socket here, an SSH
 * channel later). The server opens the stream and speaks first.
 *
 * A frame is: u32 header length, u32 payload length (both big-endian), header (JSON, UTF-8), payload
 * (raw bytes). Neither part is longer than MAX_FRAME_PART.
 *
 *   server                                   agent
 *     hello {secret, resume} ───────────────▶
 *     ◀─────────────────────────── hello {agent, bootId, jobs}
 *     req {id, method, params} [payload] ───▶
 *     ◀─────────────── res {id, ok, …} [payload]
 *     ◀─────────────── event {seq, at, event}      journalled; repeated after every hello until acked
 *     ack {seq} ────────────────────────────▶      all events up to seq are stored
 *     ◀─────────────── log {job, offset, at} [bytes]
 *     logAck {job, offset} ─────────────────▶      all bytes below offset are stored
 *     ◀─────────────── metrics {…}                 not journalled, may be lost
 *
 * Flow control: an agent sends at most LOG_WINDOW bytes of one job beyond what was acknowledged, so
 * that a slow log store never grows the server, and control messages never wait behind logs.
 */
import type { BlobHash, ClusterInfo, InstanceId, InstanceResources, JobAssignment, JobId } from '@berth/core';

export const PROTOCOL_VERSION = 1;
export const MAX_FRAME_PART = 1024 * 1024;
/** Bytes of one job's log that may be on their way. 4 MiB covers 50 MB/s at 80 ms of round trip. */
export const LOG_WINDOW = 4 * 1024 * 1024;
/** Bytes of log in one frame at most. */
export const LOG_CHUNK = 256 * 1024;
/** Bytes of a blob or an artifact in one frame at most. */
export const BLOB_CHUNK = 512 * 1024;

export interface ServerHello {
  readonly t: 'hello';
  readonly protocol: number;
  readonly server: string;
  /** Proves that the caller is the server that made this instance. */
  readonly secret: string;
  /** The agent answers with its own; a mismatch means another machine has this address now. */
  readonly instance: InstanceId;
  readonly resume: {
    /** The highest event that was stored. */
    readonly event: number;
    /** Per job: how many bytes of its log are stored. Jobs that are not named resume at 0. */
    readonly logs: Readonly<Record<string, number>>;
  };
}

export interface AgentHello {
  readonly t: 'hello';
  readonly protocol: number;
  readonly version: string;
  readonly instance: InstanceId;
  /** Another value than last time: the agent restarted. */
  readonly bootId: string;
  readonly pid: number;
  readonly host: HostInfo;
  /** Every job that was not removed. */
  readonly jobs: readonly AgentJob[];
  /**
   * Jobs that were submitted and had provably not been started when the agent restarted: what they need
   * was only in memory, so they are to be submitted again. Absent: an agent from before this field.
   */
  readonly unstarted?: readonly JobId[];
}

export interface HostInfo {
  readonly hostname: string;
  readonly resources: InstanceResources;
  /** Null: no engine answers; the reason says why. */
  readonly docker: { readonly version: string } | null;
  readonly dockerProblem: string | null;
}

/** preparing → ready → running → ended; a job that fails to prepare ends without having run. */
export type AgentJobState = 'preparing' | 'ready' | 'running' | 'ended';

export interface AgentJob {
  readonly job: JobId;
  readonly state: AgentJobState;
  /** How many bytes of output there are so far. */
  readonly logBytes: number;
}

export type AgentEndReason =
  | 'exited'
  | 'max-duration'
  | 'stopped' // on request
  | 'image-error'
  | 'setup-error'
  /** The end was not seen: the agent restarted and the job's processes were gone, or somebody removed its container. */
  | 'agent-lost';

export type AgentEvent =
  | { readonly kind: 'job-preparing'; readonly job: JobId; readonly step: string; readonly progress: number | null }
  | { readonly kind: 'job-ready'; readonly job: JobId }
  | {
      readonly kind: 'job-running';
      readonly job: JobId;
      readonly pid: number | null;
      readonly container: string | null;
    }
  | {
      readonly kind: 'job-ended';
      readonly job: JobId;
      readonly reason: AgentEndReason;
      /** For people; empty when the process simply exited and left the artifacts that it was to leave. */
      readonly message: string;
      /**
       * Null when it never ran, or a signal ended it. Of a container it is never null by a signal:
       * Docker tells 128 + its number.
       */
      readonly exitStatus: number | null;
      readonly signal: string | null;
      readonly startedAt: number | null;
      readonly endedAt: number;
      readonly logBytes: number;
      /** A gzip-compressed tar that waits at the agent; null: none asked for, or none found. */
      readonly artifacts: { readonly bytes: number; readonly hash: BlobHash } | null;
    }
  /** Something is wrong that does not end the job: disk full, artifacts missing, Docker away. */
  | { readonly kind: 'problem'; readonly job: JobId | null; readonly code: AgentProblemCode; readonly message: string };

export type AgentProblemCode =
  | 'disk-full'
  | 'spool-failed'
  | 'artifacts'
  | 'docker-away'
  | 'clock-stepped'
  | 'internal';

export interface JobMetrics {
  readonly job: JobId;
  readonly at: number;
  /** CPU time used since the job began, in ms. */
  readonly cpuMs: number;
  readonly memoryBytes: number;
  readonly gpus: readonly GpuMetrics[];
}

export interface GpuMetrics {
  readonly device: string;
  readonly utilizationPercent: number | null;
  readonly memoryBytes: number | null;
}

/** Requests that the server makes, with what they return. */
export interface AgentMethods {
  /**
   * Accepts a job and begins to prepare it; its blobs must be here. Repeating it for a known job
   * changes nothing; a job that was removed is refused (`wrong-state`).
   */
  'job.submit': { params: { assignment: JobAssignment }; result: Record<string, never> };
  /**
   * Starts a job that is ready; answered when it runs, or ended in the attempt. Repeating it changes
   * nothing. `wrong-state`: still preparing; `not-found`: unknown, submit it (again).
   */
  'job.start': { params: { job: JobId; cluster: ClusterInfo }; result: Record<string, never> };
  /** Stops gracefully, then kills after `graceMs`. Stopping a job that is unknown or ended is success. */
  'job.stop': { params: { job: JobId; graceMs: number }; result: Record<string, never> };
  /**
   * Forgets an ended job: its directory, container, log spool and artifacts. Of a job that was told to
   * stop the end is waited for. To be asked only once its log is stored up to `logBytes`: what was not
   * sent by then is gone. That there is none is success; one that runs is refused (`wrong-state`).
   */
  'job.remove': { params: { job: JobId }; result: Record<string, never> };
  /** Which of these blobs must be sent. */
  'blob.missing': { params: { hashes: readonly BlobHash[] }; result: { missing: readonly BlobHash[] } };
  /** One piece of a blob, in order; the hash is verified with the last. Offset 0 begins anew. */
  'blob.put': { params: { hash: BlobHash; offset: number; last: boolean }; result: Record<string, never> };
  /** One piece of an ended job's artifacts, in the payload of the answer. */
  'artifacts.read': { params: { job: JobId; offset: number }; result: { last: boolean } };
  /** Stops every job within its own stopDurationMs and exits; the journal stays. Answered at once. */
  'agent.shutdown': { params: Record<string, never>; result: Record<string, never> };
}
export type AgentMethod = keyof AgentMethods;

export interface AgentFailure {
  readonly code: 'bad-request' | 'not-found' | 'wrong-state' | 'hash-mismatch' | 'disk-full' | 'internal';
  readonly message: string;
}

export type ServerMessage =
  | ServerHello
  | { readonly t: 'req'; readonly id: number; readonly method: AgentMethod; readonly params: unknown }
  | { readonly t: 'ack'; readonly seq: number }
  | { readonly t: 'logAck'; readonly job: JobId; readonly offset: number };

export type AgentMessage =
  | AgentHello
  /** The agent refuses the hello and closes. */
  | { readonly t: 'refused'; readonly reason: 'secret' | 'instance' | 'protocol'; readonly message: string }
  | { readonly t: 'res'; readonly id: number; readonly ok: true; readonly result: unknown }
  | { readonly t: 'res'; readonly id: number; readonly ok: false; readonly error: AgentFailure }
  | { readonly t: 'event'; readonly seq: number; readonly at: number; readonly event: AgentEvent }
  | { readonly t: 'log'; readonly job: JobId; readonly offset: number; readonly at: number }
  | { readonly t: 'metrics'; readonly metrics: readonly JobMetrics[] };
