import type { Readable } from 'node:stream';
import type { ForwardTime } from './clock.ts';
import type { DockerClient } from './docker-client.ts';
import { DockerDemux, DockerLogReader } from './docker-demux.ts';
import type { JobLog } from './job-log.ts';
import { KnownBytes } from './known-bytes.ts';
import { Slabs } from './slabs.ts';

/** A container that has ended and says nothing for so long has nothing more to say. */
const SILENCE_MS = 10_000;

/** What a container writes, on its way into the job's log. */
export class ContainerOutput {
  readonly #source: Readable;
  readonly #log: JobLog;
  readonly #closed: Promise<void>;
  #isClosed = false;
  /** The engine itself has ended the stream; otherwise the connection broke. */
  #isComplete = false;
  #paused = false;
  #chunks = 0;

  private constructor(source: Readable, log: JobLog, head: Uint8Array, push: (chunk: Uint8Array) => void) {
    this.#source = source;
    this.#log = log;
    this.#closed = new Promise((resolve) => {
      const close = (): void => {
        this.#isClosed = true;
        resolve();
      };
      source.on('end', () => {
        this.#isComplete = true;
        close();
      });
      source.on('close', close);
      source.on('error', close); // whether the container has ended is asked of the engine, not concluded from here
    });
    const take = (chunk: Uint8Array): void => {
      this.#chunks += 1;
      push(chunk);
    };
    if (head.length > 0) take(head);
    source.on('data', take);
  }

  /** Live bytes, exactly as they are written; to be called before the container starts. */
  static async attach(docker: DockerClient, id: string, log: JobLog, time: ForwardTime): Promise<ContainerOutput> {
    const query = { stream: true, stdout: true, stderr: true };
    const { stream, head } = await docker.hijack(`/containers/${id}/attach`, query);
    let output: ContainerOutput | null = null;
    const slabs = new Slabs(log);
    const demux = new DockerDemux((bytes, source) => {
      if (!log.push(keep(slabs, bytes), source, time.now())) void output?.waitForRoom();
    });
    output = new ContainerOutput(stream, log, head, (chunk) => demux.push(chunk));
    return output;
  }

  /**
   * What Docker itself has kept, less what is in `log` already, and on to the end. For a container
   * that somebody else was attached to. `onGap` is called when Docker has thrown bytes away that
   * nobody has read. See `DockerLogReader` for the one byte that may differ.
   */
  static async resume(docker: DockerClient, id: string, log: JobLog, onGap: () => void): Promise<ContainerOutput> {
    const query = { follow: true, stdout: true, stderr: true, timestamps: true };
    const stream = await docker.stream(`/containers/${id}/logs`, { query });
    const known = new KnownBytes(log, onGap);
    const slabs = new Slabs(log);
    let output: ContainerOutput | null = null;
    const reader = new DockerLogReader((message) => {
      const fresh = known.strip(message);
      if (fresh.length === 0) return;
      if (!log.push(keep(slabs, fresh), message.stream, message.at)) void output?.waitForRoom();
    });
    output = new ContainerOutput(stream, log, new Uint8Array(0), (chunk) => reader.push(chunk));
    return output;
  }

  /**
   * Once the container has ended: resolves when nothing more comes. False: the connection broke before
   * the end, so something may be missing.
   */
  async finish(): Promise<boolean> {
    while (!this.#isClosed) {
      const before = this.#chunks;
      let timer: NodeJS.Timeout | undefined;
      const silence = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, SILENCE_MS);
      });
      await Promise.race([this.#closed, silence]);
      clearTimeout(timer);
      if (!this.#paused && this.#chunks === before) this.stop();
    }
    return this.#isComplete;
  }

  stop(): void {
    this.#source.destroy();
  }

  /** Reads no further until the log has room again. */
  async waitForRoom(): Promise<void> {
    if (this.#paused) return;
    this.#paused = true;
    this.#source.pause();
    await this.#log.drained();
    this.#paused = false;
    this.#source.resume();
  }
}

/** The socket's chunks are let go at once; the log keeps a copy. */
function keep(slabs: Slabs, bytes: Uint8Array): Uint8Array {
  slabs.room(bytes.length).set(bytes);
  return slabs.take(bytes.length);
}
