import { execFile } from 'node:child_process';
import { close, constants, open as openFd } from 'node:fs';
import { chown, rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import { promisify } from 'node:util';
import type { ForwardTime } from './clock.ts';
import { errnoOf, JobFailure } from './failure.ts';
import type { JobLog } from './job-log.ts';
import { Slabs } from './slabs.ts';

/** Plain descriptors: a FileHandle would close them when it is collected. */
const open = promisify(openFd);

const READ_BYTES = 64 * 1024;
/** How long a pipe without its job may be silent before nobody is believed to write to it. */
const SILENCE_MS = 250;
/** The most that Linux lets a pipe hold, unless root says otherwise. */
const PIPE_BYTES = 1024 * 1024;
/** How long it may take to read that, where the log takes it at once. */
const READING_LIMIT_MS = 5_000;

/**
 * The one pipe that a process job writes both its outputs to. Node's own pipes to a child are
 * sockets, which `> /dev/stderr` cannot open, and there are two of them, which loses the order; a
 * named pipe that is unlinked at once is a pipe like a shell's.
 */
export class OutputPipe {
  /** To be given to the child as stdout and stderr, then closed here. */
  readonly writeFd: number;
  readonly #log: JobLog;
  readonly #socket: Socket;
  readonly #ended: Promise<void>;
  #paused = false;
  #bytes = 0;

  private constructor(readFd: number, writeFd: number, log: JobLog, time: ForwardTime) {
    this.writeFd = writeFd;
    this.#log = log;
    const slabs = new Slabs(log);
    this.#socket = new Socket({
      fd: readFd,
      readable: true,
      writable: false,
      onread: {
        // Straight into the log's memory, without a copy.
        buffer: () => slabs.room(READ_BYTES / 4).subarray(0, READ_BYTES),
        callback: (length) => {
          this.#bytes += length;
          const mayGoOn = log.push(slabs.take(length), 'stdout', time.now());
          if (!mayGoOn) void this.#pause();
          return mayGoOn;
        },
      },
    });
    this.#ended = new Promise((resolve) => {
      this.#socket.on('close', () => resolve());
      this.#socket.on('error', () => resolve());
      this.#socket.on('end', () => this.#socket.destroy());
    });
  }

  /** `path` is used for a moment only. `owner`: who must be able to open it again by /dev/stdout. */
  static async create(
    path: string,
    owner: { readonly uid: number; readonly gid: number } | null,
    log: JobLog,
    time: ForwardTime,
  ): Promise<OutputPipe> {
    await rm(path, { force: true });
    try {
      await promisify(execFile)('mkfifo', ['-m', '600', path]);
    } catch (error) {
      const why = errnoOf(error) === 'ENOENT' ? 'there is no mkfifo here; install coreutils' : String(error);
      throw new JobFailure('setup-error', `A pipe for the job's output cannot be made: ${why}.`, error);
    }
    if (owner !== null) await chown(path, owner.uid, owner.gid);
    // Without O_NONBLOCK an end waits for the other.
    const reader = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const writer = await open(path, constants.O_WRONLY);
    await rm(path);
    return new OutputPipe(reader, writer, log, time);
  }

  closeWriter(): void {
    close(this.writeFd, () => undefined);
  }

  /**
   * Once the job is dead: resolves when the last byte was read. A process that got away may hold the
   * pipe open for ever, so a pipe that has fallen silent counts as ended, and one that gives more than
   * a pipe can hold, or does not end in time, is another's by now.
   */
  async finish(): Promise<void> {
    let closed = false;
    void this.#ended.then(() => {
      closed = true;
    });
    const atDeath = this.#bytes;
    let readingMs = 0;
    while (!closed) {
      const before = this.#bytes;
      const wasPaused = this.#paused;
      await Promise.race([this.#ended, pause(SILENCE_MS)]);
      if (closed || this.#paused) continue;
      if (!wasPaused) readingMs += SILENCE_MS;
      const isAnothers = this.#bytes - atDeath > PIPE_BYTES || readingMs >= READING_LIMIT_MS;
      if (this.#bytes === before || isAnothers) this.#socket.destroy();
    }
  }

  async #pause(): Promise<void> {
    this.#paused = true;
    await this.#log.drained();
    this.#paused = false;
    this.#socket.resume();
  }
}

/** Waits, and then for one more turn of the event loop, in which everything that is readable is read. */
async function pause(ms: number): Promise<void> {
  await new Promise<void>((resolve) => setTimeout(() => setImmediate(resolve), ms));
}
