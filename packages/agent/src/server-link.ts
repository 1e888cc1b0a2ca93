import { createConnection } from 'node:net';
import type { Duplex, Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { BlobHash, InstanceId, JobId, Millis } from '@berth/core/ids';
import type { Secret } from '@berth/core/secret';
import { type PutPiece, uploadBlob } from './blob-upload.ts';
import { Connection } from './connection.ts';
import { type Frame, FrameError, FULL_LIMITS } from './frame.ts';
import { AgentLinkError } from './link-error.ts';
import { parseAgentMessage } from './message.ts';
import {
  type AgentEvent,
  type AgentHello,
  type AgentMessage,
  type AgentMethod,
  type AgentMethods,
  type JobMetrics,
  PROTOCOL_VERSION,
  type ServerMessage,
} from './protocol.ts';
import { SerialDelivery } from './serial-delivery.ts';

/** The server's side of the link to one agent. */

/**
 * What comes from the agent. A handler that rejects is called again with the same thing, after a
 * pause, until it succeeds or the link closes: what it resolves is acknowledged and never comes again.
 */
export interface AgentHandlers {
  onEvent(event: { readonly seq: number; readonly at: Millis; readonly event: AgentEvent }): Promise<void>;
  /** In order and without gaps, one call at a time for each job. `bytes` belong to the handler. */
  onLog(job: JobId, offset: number, at: Millis, bytes: Uint8Array): Promise<void>;
  onMetrics(metrics: readonly JobMetrics[]): void;
  /** Once, and last; `error` is null when either side simply closed. */
  onClose(error: Error | null): void;
}

export interface ConnectOptions {
  readonly to: Duplex | { readonly socketPath: string };
  /** Names this server in the agent's own log. */
  readonly server: string;
  readonly secret: Secret<string>;
  readonly instance: InstanceId;
  /** What is stored already, see `ServerHello`. */
  readonly resume: { readonly event: number; readonly logs: Readonly<Record<string, number>> };
  readonly handlers: AgentHandlers;
  readonly signal?: AbortSignal;
  /** Until the agent must have answered. Default: 10 s. */
  readonly timeoutMs?: number;
}

export interface RequestOptions {
  readonly payload?: Uint8Array;
  readonly signal?: AbortSignal;
  /** Default: 30 s. */
  readonly timeoutMs?: number;
}

/** Between a handler's failure and the next attempt: from, to. */
const RETRY_MS = [100, 5_000] as const;

/**
 * Connects and says hello. Throws `AgentLinkError`: `closed` (nobody there), `timeout`, or why the
 * agent refused.
 */
export async function connectAgent(options: ConnectOptions): Promise<AgentLink> {
  options.signal?.throwIfAborted();
  const stream = 'socketPath' in options.to ? createConnection(options.to.socketPath) : options.to;
  const link = new AgentLink(stream, options);
  await link.greeted(options);
  return link;
}

interface Pending {
  readonly resolve: (answer: { readonly result: unknown; readonly payload: Uint8Array }) => void;
  readonly reject: (error: unknown) => void;
}

export class AgentLink {
  readonly #connection: Connection;
  readonly #handlers: AgentHandlers;
  readonly #instance: InstanceId;
  readonly #hello = Promise.withResolvers<AgentHello>();
  readonly #closed = new AbortController();
  readonly #pending = new Map<number, Pending>();
  readonly #uploads = new Map<BlobHash, Promise<void>>();
  readonly #events: SerialDelivery;
  readonly #logs = new Map<JobId, SerialDelivery>();
  #nextId = 1;
  #agent: AgentHello | null = null;

  /** Use `connectAgent`. */
  constructor(stream: Duplex, options: ConnectOptions) {
    this.#handlers = options.handlers;
    this.#instance = options.instance;
    this.#events = new SerialDelivery(RETRY_MS, this.#closed.signal);
    // Who awaits the hello also hears of its failure; until then it must not count as unhandled.
    this.#hello.promise.catch(() => undefined);
    this.#connection = new Connection(stream, FULL_LIMITS, {
      onFrame: (frame) => this.#receive(frame),
      onClose: (error) => this.#close(error),
    });
    this.#send({
      t: 'hello',
      protocol: PROTOCOL_VERSION,
      server: options.server,
      secret: options.secret.reveal(),
      instance: options.instance,
      resume: options.resume,
    });
  }

  /** What the agent said of itself when the link was made. */
  get agent(): AgentHello {
    if (this.#agent === null) throw new Error('The agent has not answered yet.');
    return this.#agent;
  }

  get isClosed(): boolean {
    return this.#closed.signal.aborted;
  }

  /** For `connectAgent`: resolves with the agent's hello, else closes and throws. */
  async greeted(options: ConnectOptions): Promise<void> {
    const limit = deadline(options.signal, options.timeoutMs ?? 10_000, 'The agent did not answer the hello.');
    try {
      this.#agent = await Promise.race([this.#hello.promise, limit.expired]);
    } catch (error) {
      this.#connection.destroy();
      throw error;
    } finally {
      limit.cancel();
    }
  }

  /** Throws `AgentLinkError`, or the signal's reason. */
  async request<M extends AgentMethod>(
    method: M,
    params: AgentMethods[M]['params'],
    options: RequestOptions = {},
  ): Promise<AgentMethods[M]['result']> {
    const { result } = await this.#call(method, params, options);
    return result as AgentMethods[M]['result']; // the agent answers as the protocol says, which the hello has agreed on
  }

  /** Sends a blob; `source` holds exactly the bytes that the hash is of. A blob that is on its way already is waited for. */
  async putBlob(hash: BlobHash, source: Readable, options: Omit<RequestOptions, 'payload'> = {}): Promise<void> {
    const underway = this.#uploads.get(hash);
    if (underway !== undefined) {
      source.destroy();
      return await underway;
    }
    const put: PutPiece = (offset, payload, last) =>
      this.#call('blob.put', { hash, offset, last }, { ...options, payload });
    const upload = uploadBlob(source, put).finally(() => this.#uploads.delete(hash));
    this.#uploads.set(hash, upload);
    await upload;
  }

  /** Writes an ended job's artifacts, a gzip-compressed tar, and ends `target`. */
  async readArtifacts(job: JobId, target: Writable, options: Omit<RequestOptions, 'payload'> = {}): Promise<void> {
    const done = finished(target);
    done.catch(() => undefined); // awaited below, but it may fail before
    try {
      for (let offset = 0, last = false; !last; ) {
        const answer = await this.#call('artifacts.read', { job, offset }, options);
        last = (answer.result as AgentMethods['artifacts.read']['result']).last;
        offset += answer.payload.length;
        if (!target.write(answer.payload)) await Promise.race([drained(target), done]);
      }
      target.end();
    } catch (error) {
      target.destroy();
      throw error;
    }
    await done;
  }

  /** Closes the link; the agent and its jobs go on. */
  close(): void {
    this.#connection.destroy();
  }

  async #call(
    method: AgentMethod,
    params: unknown,
    options: RequestOptions,
  ): Promise<{ readonly result: unknown; readonly payload: Uint8Array }> {
    options.signal?.throwIfAborted();
    if (this.isClosed) throw new AgentLinkError('closed', `The link to the agent is closed; ${method} was not sent.`);
    const id = this.#nextId++;
    const limit = deadline(options.signal, options.timeoutMs ?? 30_000, `The agent did not answer ${method}.`);
    const answer = new Promise<{ readonly result: unknown; readonly payload: Uint8Array }>((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
    });
    answer.catch(() => undefined); // a late answer after the deadline is nobody's
    try {
      this.#connection.send({ t: 'req', id, method, params } satisfies ServerMessage, options.payload);
      return await Promise.race([answer, limit.expired]);
    } finally {
      limit.cancel();
      this.#pending.delete(id);
    }
  }

  #receive(frame: Frame): void {
    const message = parseAgentMessage(frame.header);
    switch (message.t) {
      case 'hello':
        this.#acceptHello(message);
        break;
      case 'refused':
        this.#hello.reject(new AgentLinkError(`refused-${message.reason}`, message.message));
        break;
      case 'res':
        this.#settle(message, frame.payload);
        break;
      case 'event': {
        const { seq, at, event } = message;
        this.#events.add(
          () => this.#handlers.onEvent({ seq, at, event }),
          () => this.#send({ t: 'ack', seq }),
        );
        break;
      }
      case 'log': {
        const { job, offset, at } = message;
        const end = offset + frame.payload.length;
        this.#logOf(job).add(
          () => this.#handlers.onLog(job, offset, at, frame.payload),
          () => this.#send({ t: 'logAck', job, offset: end }),
        );
        break;
      }
      case 'metrics':
        this.#handlers.onMetrics(message.metrics);
        break;
    }
  }

  #acceptHello(hello: AgentHello): void {
    if (hello.protocol !== PROTOCOL_VERSION) {
      const message = `The agent speaks protocol ${hello.protocol}, this server ${PROTOCOL_VERSION}.`;
      this.#hello.reject(new AgentLinkError('refused-protocol', message));
    } else if (hello.instance !== this.#instance) {
      const message = `The agent there is that of instance ${hello.instance}, not of ${this.#instance}.`;
      this.#hello.reject(new AgentLinkError('refused-instance', message));
    } else {
      this.#hello.resolve(hello);
    }
  }

  #settle(message: Extract<AgentMessage, { t: 'res' }>, payload: Uint8Array): void {
    const pending = this.#pending.get(message.id);
    if (pending === undefined) return;
    if (message.ok) pending.resolve({ result: message.result, payload });
    else pending.reject(new AgentLinkError(message.error.code, message.error.message));
  }

  #logOf(job: JobId): SerialDelivery {
    const known = this.#logs.get(job);
    if (known !== undefined) return known;
    const delivery = new SerialDelivery(RETRY_MS, this.#closed.signal);
    this.#logs.set(job, delivery);
    return delivery;
  }

  #close(error: Error | null): void {
    const why =
      error instanceof FrameError
        ? `the agent sent what is not of the protocol: ${error.message}`
        : (error?.message ?? 'it was closed');
    const closed = new AgentLinkError('closed', `The link to the agent broke: ${why}.`, error ?? undefined);
    this.#closed.abort(closed);
    this.#hello.reject(closed);
    for (const pending of this.#pending.values()) pending.reject(closed);
    if (this.#agent !== null) this.#handlers.onClose(error);
  }

  #send(message: ServerMessage): void {
    this.#connection.send(message);
  }
}

interface Deadline {
  readonly expired: Promise<never>;
  cancel(): void;
}

function deadline(signal: AbortSignal | undefined, timeoutMs: number, message: string): Deadline {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => undefined); // raced, or cancelled before
  const timer = setTimeout(() => reject(new AgentLinkError('timeout', `${message} (${timeoutMs} ms)`)), timeoutMs);
  const onAbort = (): void => reject(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  return {
    expired: promise,
    cancel: () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    },
  };
}

function drained(target: Writable): Promise<void> {
  return new Promise((resolve) => target.once('drain', resolve));
}
