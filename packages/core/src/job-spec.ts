import type { BlobHash, JobId, RunId } from './ids.ts';
import type { Requirements } from './offer.ts';
import type { RetryEvent } from './states.ts';

/**
 * What a configuration means once defaults, profile and units are settled. The configuration is the
 * user's; the spec is ours: every field is present, times are milliseconds, sizes are MiB.
 */
export interface RunSpec {
  readonly name: string;
  readonly type: 'task';
  /** The configuration as the user wrote it (parsed, defaults not applied): shown and compared on re-apply. */
  readonly configuration: Readonly<Record<string, unknown>>;
  readonly nodes: number;
  readonly startupOrder: 'any' | 'master-first' | 'workers-first';
  readonly stopCriteria: 'all-done' | 'master-done';
  readonly retry: { readonly onEvents: readonly RetryEvent[]; readonly durationMs: number } | null;
  readonly requirements: Requirements;
  readonly creationPolicy: 'reuse' | 'reuse-or-create';
  /** How long an instance that this run makes may stay idle; null: for ever. */
  readonly idleDurationMs: number | null;
  /** Names of the fleets whose instances may be used; null: any. */
  readonly fleets: readonly string[] | null;
  readonly priority: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly work: WorkSpec;
}

/** The part of a run that every one of its jobs shares and that the agent carries out. */
export interface WorkSpec {
  /** Docker image; null: a process on the machine itself. */
  readonly image: string | null;
  readonly registryAuth: { readonly username: string; readonly password: string } | null;
  /** Words, not a shell line; null: the image's own. */
  readonly entrypoint: readonly string[] | null;
  readonly commands: readonly string[];
  /** `sh`, `bash` or an absolute path. */
  readonly shell: string;
  /** May still hold `${{ secrets.NAME }}`: resolved at the last moment, never stored resolved. */
  readonly env: Readonly<Record<string, string>>;
  readonly user: string | null;
  /** Absolute, `~`, or relative to the code's directory; null: the code's directory, else the image's own. */
  readonly workingDir: string | null;
  readonly privileged: boolean;
  readonly shmMiB: number | null;
  readonly ports: readonly PortMapping[];
  readonly mounts: readonly InstanceMount[];
  readonly maxDurationMs: number | null;
  /** Grace between the request to stop and the kill. */
  readonly stopDurationMs: number;
  readonly code: CodeRef | null;
  readonly files: readonly FileRef[];
  /** Paths, relative to the working directory, that are brought back when the job ends. */
  readonly artifacts: readonly string[];
}

export interface PortMapping {
  readonly container: number;
  /** Null: any free port. */
  readonly local: number | null;
}

export interface InstanceMount {
  readonly instancePath: string;
  readonly path: string;
  readonly optional: boolean;
}

/** Where the user's code is. Blobs are in the server's blob store under their hash. */
export type CodeRef =
  | {
      readonly kind: 'git';
      readonly remote: string;
      readonly branch: string | null;
      readonly commit: string;
      /** Uncommitted changes as a binary git diff against `commit`; null: none. */
      readonly diff: BlobHash | null;
      readonly path: string;
      readonly ifExists: 'error' | 'skip';
    }
  | {
      /** A gzip-compressed tar of the directory. */
      readonly kind: 'tar';
      readonly blob: BlobHash;
      readonly bytes: number;
      readonly path: string;
      readonly ifExists: 'error' | 'skip';
    };

/** A gzip-compressed tar that holds one file or directory, unpacked so that it ends up at `path`. */
export interface FileRef {
  readonly blob: BlobHash;
  readonly bytes: number;
  readonly path: string;
}

/** Everything an agent needs to carry out one job. Secrets are resolved here, so it is never stored or logged. */
export interface JobAssignment {
  readonly job: JobId;
  readonly run: RunId;
  readonly runName: string;
  readonly projectName: string;
  readonly jobName: string;
  readonly work: WorkSpec;
  /** DSTACK_* and BERTH_* variables except those that depend on peers; the user's env wins over neither. */
  readonly env: Readonly<Record<string, string>>;
  readonly limits: JobLimits;
  readonly network: 'host' | 'bridge';
}

export interface JobLimits {
  /** CPUs, may be a fraction; null: all of the machine. */
  readonly cpus: number | null;
  readonly memoryMiB: number | null;
  /** Indexes or UUIDs of devices; empty: none. */
  readonly gpuDevices: readonly string[];
}

/** Sent with the order to start, when all peers of the replica are known. */
export interface ClusterInfo {
  readonly rank: number;
  /** Addresses by rank, on the network that the nodes share. */
  readonly ips: readonly string[];
  readonly gpusPerNode: readonly number[];
}
