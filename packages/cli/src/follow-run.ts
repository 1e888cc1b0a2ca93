import type { Client } from '@berth/client/client';
import { type LogPosition, logs, watch } from '@berth/client/follow';
import type { RunView } from '@berth/core/api-schemas';
import { BerthError } from '@berth/core/errors';
import { isRunFinished } from '@berth/core/states';
import { describeRun } from './output/describe.ts';
import { writeOut } from './output/pipe.ts';
import { reconnectNotice } from './output/reconnect-notice.ts';
import { statusLine } from './output/status-line.ts';
import { say } from './output/write.ts';

export interface FollowOptions {
  readonly replica?: number;
  readonly node?: number;
  /** First byte of the present submission's log to show; 0 when absent. */
  readonly offset?: number;
  /** Instead of `offset`: nothing older than this, in milliseconds since the Unix epoch. */
  readonly since?: number;
  readonly signal: AbortSignal;
}

/**
 * Shows how a run comes to life (standard error) and the log of one of its jobs, byte for byte
 * (standard output), through every retry.
 * @returns the run when it is finished and the last byte was shown
 * @throws BerthError; the signal's reason when aborted
 */
export async function followRun(client: Client, start: RunView, options: FollowOptions): Promise<RunView> {
  const screen = new Screen(start.name);
  const state = new LatestRun(start);
  // What goes wrong on one side ends the other.
  const broken = new AbortController();
  const signal = AbortSignal.any([options.signal, broken.signal]);
  const stream = { signal, onReconnect: reconnectNotice() };
  const watching = async () => {
    // By id: the name may by then be another run's.
    for await (const view of watch(client, start.id, stream)) {
      screen.status(view);
      state.update(view);
    }
  };
  const logging = async () => {
    let from: LogPosition = options.since === undefined ? { offset: options.offset ?? 0 } : { since: options.since };
    for (let next: number | null = submissionOf(start); next !== null; from = {}) {
      const submission: number = next;
      const { replica = 0, node = 0 } = options;
      const position = { ...from, replica, node, submission, follow: true };
      try {
        for await (const chunk of logs(client, start.id, position, stream)) await screen.log(chunk.bytes);
      } catch (error) {
        // A job that has not been made yet has no log; its run tells when it has.
        if (!(error instanceof BerthError && error.code === 'not-found') || isRunFinished(state.run.status))
          throw error;
      }
      next = await state.submissionAfter(submission, signal);
    }
  };
  try {
    await Promise.all([watching().then(() => state.end()), logging()]);
    return state.run;
  } catch (error) {
    options.signal.throwIfAborted();
    throw error;
  } finally {
    broken.abort();
    screen.done();
  }
}

function submissionOf(run: RunView): number {
  return run.jobs.reduce((most, job) => Math.max(most, job.submission), 0);
}

/** The newest view of a run, and who waits for a newer one. */
class LatestRun {
  run: RunView;
  #ended = false;
  #wake: () => void = () => {};

  constructor(run: RunView) {
    this.run = run;
  }

  update(run: RunView): void {
    this.run = run;
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** The submission that follows; null when the run ends without one. */
  async submissionAfter(submission: number, signal: AbortSignal): Promise<number | null> {
    while (true) {
      signal.throwIfAborted();
      const latest = submissionOf(this.run);
      if (latest > submission) return latest;
      if (this.#ended || isRunFinished(this.run.status)) return null;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }
}

/** Keeps the changing line of states and the job's own output from getting into each other's way. */
class Screen {
  readonly #name: string;
  readonly #line = statusLine(process.stderr, true);
  readonly #shared = process.stdout.isTTY === true && process.stderr.isTTY === true;
  #logging = false;
  #atLineStart = true;

  constructor(name: string) {
    this.#name = name;
  }

  status(run: RunView): void {
    if (isRunFinished(run.status)) return; // the summary says it
    const attempt = submissionOf(run) + 1;
    const text = `${this.#name}${attempt > 1 ? ` (attempt ${attempt})` : ''}: ${describeRun(run)}`;
    if (run.status === 'pending') this.#interrupt(`${text}: ${run.message ?? 'waits for another attempt'}\n`);
    // On a terminal the job's own lines say that it runs; a line below them would be written into them.
    else if (!(this.#logging && this.#shared)) this.#line.show(text);
  }

  async log(bytes: Uint8Array): Promise<void> {
    if (!this.#logging || !this.#shared) this.#line.clear();
    this.#logging = true;
    this.#atLineStart = bytes.at(-1) === 10;
    await writeOut(bytes);
  }

  done(): void {
    this.#line.clear();
    this.#interrupt('');
  }

  #interrupt(text: string): void {
    this.#line.clear();
    if (this.#shared && !this.#atLineStart) say('\n');
    this.#atLineStart = true;
    say(text);
  }
}
