import { statSync } from 'node:fs';
import { type AgentClock, StepWatch } from './clock.ts';

export interface Surroundings {
  readonly dir: string;
  readonly clock: AgentClock;
  readonly metricsMs: number;
  readonly orphanAfterMs: number;
  /** No server is connected and no job runs. */
  isAlone(): boolean;
  onMetrics(): Promise<void>;
  /** It was alone for `orphanAfterMs`. */
  onOrphaned(): void;
  /** The agent's directory is gone, or another one stands in its place. */
  onDirectoryGone(): void;
  onClockStepped(stepMs: number): void;
}

/** Often enough that a removed installation leaves nothing running for long, and no load at all. */
const CHECK_MS = 5_000;

/** Looks around from time to time. Returns what ends it. */
export function watchSurroundings(around: Surroundings): () => void {
  const inode = inodeOf(around.dir);
  const steps = new StepWatch(around.clock);
  let aloneSince = around.clock.sinceBoot();
  const check = (): void => {
    if (inodeOf(around.dir) !== inode) {
      around.onDirectoryGone();
      return;
    }
    const step = steps.check();
    if (step !== null) around.onClockStepped(step);
    if (!around.isAlone()) aloneSince = around.clock.sinceBoot();
    if (around.clock.sinceBoot() - aloneSince >= around.orphanAfterMs) around.onOrphaned();
  };
  const checks = setInterval(check, Math.min(CHECK_MS, Math.max(100, around.orphanAfterMs / 2)));
  const metrics = setInterval(() => void around.onMetrics().catch(() => undefined), around.metricsMs);
  return () => {
    clearInterval(checks);
    clearInterval(metrics);
  };
}

/** Null: there is no such directory. */
function inodeOf(dir: string): number | null {
  try {
    return statSync(dir).ino;
  } catch {
    return null;
  }
}
