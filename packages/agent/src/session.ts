import type { JobId } from '@berth/core/ids';
import type { Connection } from './connection.ts';
import { isDiskFull, messageOf, RequestFailure } from './failure.ts';
import type { Frame } from './frame.ts';
import { FrameError } from './frame.ts';
import type { JobLog } from './job-log.ts';
import type { Journal } from './journal.ts';
import { isMethod, METHOD_PARAMS, parseServerMessage, type RawRequest } from './message.ts';
import {
  type AgentMessage,
  type AgentMethod,
  type AgentMethods,
  type JobMetrics,
  LOG_CHUNK,
  LOG_WINDOW,
  type ServerHello,
} from './protocol.ts';
import { ShapeError } from './shape.ts';

export interface Answer<M extends AgentMethod> {
  readonly result: AgentMethods[M]['result'];
  readonly payload?: Uint8Array;
}

/** What a session needs of the agent. */
export interface SessionHost {
  readonly journal: Journal;
  logs(): Iterable<readonly [JobId, JobLog]>;
  /** Carries out a request; throws `RequestFailure` for what the server has to know. */
  answer<M extends AgentMethod>(method: M, params: AgentMethods[M]['params'], payload: Uint8Array): Promise<Answer<M>>;
}

interface LogProgress {
  sent: number;
  acked: number;
}

/** A log that cannot be read now is tried again after this. */
const READ_RETRY_MS = 1_000;

/** One server's connection after its hello: answers requests, and sends events and logs as far as they are acknowledged. */
export class Session {
  readonly #connection: Connection;
  readonly #host: SessionHost;
  readonly #resume: Readonly<Record<string, number>>;
  #sentEvent: number;
  #ackedEvent: number;
  readonly #logs = new Map<JobId, LogProgress>();
  /** One buffer for all logs: a chunk has left before the next is read. */
  readonly #buffer = Buffer.allocUnsafeSlow(LOG_CHUNK);
  #pumping = false;
  #wanted = false;
  #onAck: (() => void) | null = null;

  constructor(connection: Connection, host: SessionHost, hello: ServerHello) {
    this.#connection = connection;
    this.#host = host;
    this.#resume = hello.resume.logs;
    this.#sentEvent = hello.resume.event;
    this.#ackedEvent = hello.resume.event;
  }

  /** Everything that the server has not stored is sent again. */
  async begin(): Promise<void> {
    await this.#host.journal.ack(this.#ackedEvent);
    for (const [job, log] of this.#host.logs()) await log.ack(this.#progress(job).acked);
    this.sendEvents();
    this.pumpLogs();
  }

  handle(frame: Frame): void {
    const message = parseServerMessage(frame.header);
    switch (message.t) {
      case 'hello':
        throw new FrameError('A second hello.');
      case 'req':
        void this.#answer(message, frame.payload);
        break;
      case 'ack':
        this.#ackedEvent = Math.max(this.#ackedEvent, Math.min(message.seq, this.#sentEvent));
        void this.#host.journal.ack(this.#ackedEvent);
        this.#onAck?.();
        break;
      case 'logAck':
        this.#ackLog(message.job, message.offset);
        break;
    }
  }

  /** Sends the events that were not sent yet. */
  sendEvents(): void {
    for (const { seq, at, event } of this.#host.journal.after(this.#sentEvent)) {
      this.#send({ t: 'event', seq, at, event });
      this.#sentEvent = seq;
    }
  }

  sendMetrics(metrics: readonly JobMetrics[]): void {
    this.#send({ t: 'metrics', metrics });
  }

  /** Resolves when the server has stored every event, or after `limitMs`. */
  async settled(limitMs: number): Promise<void> {
    const isSettled = (): boolean => this.#connection.isClosed || this.#ackedEvent >= this.#host.journal.lastSeq;
    if (isSettled()) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, limitMs);
      this.#onAck = () => {
        if (!isSettled()) return;
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Another server has taken over, or the agent ends. */
  close(): void {
    this.#connection.end();
  }

  forget(job: JobId): void {
    this.#logs.delete(job);
  }

  /** Sends logs, in turns and a chunk at a time, until no window or no log has more. */
  pumpLogs(): void {
    this.#wanted = true;
    if (!this.#pumping) void this.#pump();
  }

  async #pump(): Promise<void> {
    this.#pumping = true;
    while (this.#wanted && !this.#connection.isClosed) {
      this.#wanted = false;
      for (const [job, log] of this.#host.logs()) {
        if (await this.#sendChunk(job, log)) this.#wanted = true;
      }
    }
    this.#pumping = false;
  }

  async #sendChunk(job: JobId, log: JobLog): Promise<boolean> {
    const progress = this.#progress(job);
    const room = Math.min(LOG_CHUNK, LOG_WINDOW - (progress.sent - progress.acked));
    if (room <= 0 || !log.hasDataAt(progress.sent)) return false;
    try {
      const chunk = await log.read(progress.sent, this.#buffer.subarray(0, room));
      if (chunk === null) return false;
      progress.sent = chunk.offset + chunk.length;
      // What lay before the first stored byte is gone, so nobody will acknowledge it.
      progress.acked = Math.max(progress.acked, progress.sent - LOG_WINDOW);
      const header: AgentMessage = { t: 'log', job, offset: chunk.offset, at: chunk.at };
      await this.#connection.sendBulk(header, this.#buffer.subarray(0, chunk.length));
      return true;
    } catch {
      setTimeout(() => this.pumpLogs(), READ_RETRY_MS).unref();
      return false;
    }
  }

  #ackLog(job: JobId, offset: number): void {
    const progress = this.#logs.get(job);
    if (progress === undefined) return;
    progress.acked = Math.max(progress.acked, Math.min(offset, progress.sent));
    for (const [id, log] of this.#host.logs()) if (id === job) void log.ack(progress.acked);
    this.pumpLogs();
  }

  #progress(job: JobId): LogProgress {
    const known = this.#logs.get(job);
    if (known !== undefined) return known;
    const from = this.#resume[job] ?? 0;
    const progress = { sent: from, acked: from };
    this.#logs.set(job, progress);
    return progress;
  }

  async #answer(request: RawRequest, payload: Uint8Array): Promise<void> {
    try {
      if (!isMethod(request.method)) {
        throw new RequestFailure('bad-request', `This agent does not know the method "${request.method}".`);
      }
      const { result, payload: answer } = await this.#call(request.method, request.params, payload);
      const header: AgentMessage = { t: 'res', id: request.id, ok: true, result };
      if (answer === undefined) this.#send(header);
      else await this.#connection.sendBulk(header, answer);
    } catch (error) {
      this.#send({ t: 'res', id: request.id, ok: false, error: failureOf(error) });
    }
  }

  async #call<M extends AgentMethod>(method: M, params: unknown, payload: Uint8Array): Promise<Answer<M>> {
    return await this.#host.answer(method, METHOD_PARAMS[method](params, 'params'), payload);
  }

  #send(message: AgentMessage): void {
    this.#connection.send(message);
  }
}

function failureOf(error: unknown): { code: RequestFailure['code']; message: string } {
  if (error instanceof RequestFailure) return { code: error.code, message: error.message };
  if (error instanceof ShapeError) return { code: 'bad-request', message: error.message };
  return { code: isDiskFull(error) ? 'disk-full' : 'internal', message: messageOf(error) };
}
