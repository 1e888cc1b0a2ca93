import type { Millis } from '@berth/core/ids';
import type { ClusterInfo } from '@berth/core/job-spec';
import type { Artifacts } from './artifacts.ts';
import type { ProcessEntry } from './process-table.ts';
import type { StallWatch } from './stall-watch.ts';

/** How a job's process ended. */
export interface Exit {
  /** Null: a signal ended it, or nobody knows. */
  readonly exitStatus: number | null;
  readonly signal: string | null;
  /** For people; empty: there is nothing to add. */
  readonly message: string;
  /** True: its end was not seen, so neither status nor signal is known. */
  readonly lost: boolean;
}

export interface Usage {
  readonly cpuMs: number;
  readonly memoryBytes: number;
}

/** `progress` is a part of 1; null: it is not known how much there is. */
export type ReportStep = (step: string, progress: number | null) => void;

/** Makes one job run: as processes of this machine or in a container. Whatever is thrown ends the job. */
export interface Driver {
  /** Everything that can be done before the peers are known. */
  prepare(report: ReportStep, signal: AbortSignal): Promise<void>;
  start(cluster: ClusterInfo, signal: AbortSignal): Promise<Execution>;
}

/** A job that was started, also one that an earlier agent started. */
export interface Execution {
  readonly pid: number | null;
  readonly container: string | null;
  readonly startedAt: Millis;
  /** Absolute; artifacts count from it. */
  readonly workingDir: string;
  /** Resolves once, when the job has ended and its output was read to the last byte. Does not reject. */
  readonly exit: Promise<Exit>;
  /** Does nothing when the job has ended. */
  kill(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Brings artifacts into `target`, a file; the job has ended. Rejects soon after the watch has. */
  collectArtifacts(paths: readonly string[], target: string, watch: StallWatch): Promise<Artifacts>;
  /** Null: it has ended, or cannot be measured now. */
  measure(processes: () => readonly ProcessEntry[]): Promise<Usage | null>;
}
