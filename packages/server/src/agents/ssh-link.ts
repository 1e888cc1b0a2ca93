import { connect as connectTcp, type Socket } from 'node:net';
import type { Duplex, Readable } from 'node:stream';
import type { AgentAddress } from '@berth/backend';
import { BerthError } from '@berth/core/errors';
import type { Client, ClientChannel, ServerHostKeyAlgorithm } from 'ssh2';
import { publicKeyLine, type SshKeyPair } from '../start/ssh-key.ts';
import { ChannelStream } from './ssh-channel.ts';
import { Command, type RunResult } from './ssh-command.ts';
import { brokenError, hostKeyError, loginError, placeOf } from './ssh-error.ts';

export type SshAddress = Extract<AgentAddress, { readonly kind: 'ssh' }>;

export interface SshLinkOptions {
  readonly address: SshAddress;
  readonly key: SshKeyPair;
  /** Public keys in OpenSSH's form, one of which the host must show; empty: any will do. */
  readonly hostKeys: readonly string[];
  /** The file that remembers the host key, for the message when it changed; null: it is not from a file. */
  readonly rememberedIn: string | null;
  readonly signal: AbortSignal;
}

/** From the first packet to a finished login: slow machines take some seconds while they boot. */
const LOGIN_TIMEOUT_MS = 15_000;
/** A machine that is gone without a word is noticed after three of these, in passing of NAT time-outs of 60 s. */
const KEEPALIVE_MS = 15_000;
const KEEPALIVE_COUNT = 3;
/** Why a connection is gone that we have closed. */
const CLOSED = Symbol('closed');

const KEX = [
  'curve25519-sha256',
  'curve25519-sha256@libssh.org',
  'ecdh-sha2-nistp256',
  'ecdh-sha2-nistp384',
  'ecdh-sha2-nistp521',
  'diffie-hellman-group-exchange-sha256',
  'diffie-hellman-group16-sha512',
  'diffie-hellman-group14-sha256',
] as const;
/** GCM first: Node's own crypto does it fastest, and it needs no MAC beside it. */
const CIPHERS = ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'aes128-ctr', 'aes256-ctr'] as const;
const MACS = [
  'hmac-sha2-256-etm@openssh.com',
  'hmac-sha2-512-etm@openssh.com',
  'hmac-sha2-256',
  'hmac-sha2-512',
] as const;

/** By the key's own type. A host has several keys; it is to show the one that we know. */
const HOST_KEY_ALGORITHMS: Readonly<Record<string, readonly ServerHostKeyAlgorithm[]>> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'],
};

/** One SSH connection to one machine, over which commands and streams run side by side. Public keys only. */
export class SshLink {
  readonly address: SshAddress;
  /** What the host has shown, in OpenSSH's form without a comment. */
  readonly hostKey: string;
  readonly #client: Client;
  readonly #socket: Socket;
  /** Fires when the connection is gone; the reason is a `BerthError`. */
  readonly #gone: AbortController;

  private constructor(address: SshAddress, hostKey: string, client: Client, socket: Socket, gone: AbortController) {
    this.address = address;
    this.hostKey = hostKey;
    this.#client = client;
    this.#socket = socket;
    this.#gone = gone;
  }

  /**
   * Connects and logs in.
   * @throws BerthError when that is not possible; the signal's reason
   */
  static async open(options: SshLinkOptions): Promise<SshLink> {
    const { address, key, signal } = options;
    signal.throwIfAborted();
    // Loaded when the first machine is elsewhere: a server with none starts without it.
    const { default: ssh2 } = await import('ssh2');
    signal.throwIfAborted();
    const client = new ssh2.Client();
    // A socket of our own: the library's leaves one that is half closed to time.
    const socket = connectTcp({ host: address.host, port: address.port, noDelay: true });
    const gone = new AbortController();
    let hostKey = '';
    let isKnown = true;
    const ready = Promise.withResolvers<void>();
    ready.promise.catch(() => undefined); // awaited below, but `connect` may throw before
    const fail = (failure: Error | null): void => {
      // A host that has no key of the known one's type fails before it shows any.
      const isOther = !isKnown || (options.hostKeys.length > 0 && /host key/.test(failure?.message ?? ''));
      const error = !isOther
        ? loginError(address, failure ?? new Error('it was closed there'), key.public)
        : hostKeyError(address, hostKey, options.hostKeys, options.rememberedIn);
      ready.reject(error);
      // The first reason is the right one; before the login nobody hears it here.
      gone.abort(brokenError(address, failure));
      socket.destroy();
    };
    client.on('ready', () => ready.resolve());
    client.on('error', fail);
    client.on('close', () => fail(null));
    const abort = (): void => {
      ready.reject(signal.reason);
      socket.destroy();
    };
    signal.addEventListener('abort', abort, { once: true });
    try {
      client.connect({
        sock: socket,
        username: address.user,
        privateKey: key.private.reveal(),
        authHandler: ['publickey'],
        readyTimeout: LOGIN_TIMEOUT_MS,
        keepaliveInterval: KEEPALIVE_MS,
        keepaliveCountMax: KEEPALIVE_COUNT,
        strictVendor: false,
        algorithms: {
          kex: [...KEX],
          cipher: [...CIPHERS],
          hmac: [...MACS],
          compress: ['none'],
          serverHostKey: hostKeyAlgorithms(options.hostKeys),
        },
        hostVerifier: (shown: Buffer) => {
          hostKey = publicKeyLine(shown);
          isKnown = options.hostKeys.length === 0 || options.hostKeys.some((known) => isSameKey(known, hostKey));
          return isKnown;
        },
      });
      await ready.promise;
      return new SshLink(address, hostKey, client, socket, gone);
    } catch (error) {
      socket.destroy();
      throw error;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  get isClosed(): boolean {
    return this.#gone.signal.aborted;
  }

  /**
   * A stream to a unix socket of the machine; null: there is none, nobody listens, or the host does not
   * allow it (SSH does not tell which). It is destroyed with an error when the connection breaks.
   */
  async stream(path: string, signal: AbortSignal): Promise<Duplex | null> {
    const opened = this.#channel(
      (done) => this.#client.openssh_forwardOutStreamLocal(path, done),
      (channel) => new ChannelStream(channel),
      signal,
    );
    const stream = await opened.catch((error: unknown) => {
      if (error instanceof Error && 'reason' in error && typeof error.reason === 'number') return null;
      throw error;
    });
    if (stream === null) return null;
    const gone = this.#gone.signal;
    const end = (): void => void stream.destroy(gone.reason === CLOSED ? undefined : (gone.reason as Error)); // `brokenError` made it
    gone.addEventListener('abort', end, { once: true });
    stream.once('close', () => gone.removeEventListener('abort', end));
    return stream;
  }

  /**
   * Runs a script with the machine's own sh; `words` are its $1, $2, … and can be seen there by everybody.
   * @throws BerthError when the connection breaks; the signal's reason, and then the script may go on there
   */
  async run(
    script: string,
    words: readonly string[],
    options: { readonly input?: Readable | string; readonly signal: AbortSignal },
  ): Promise<RunResult> {
    const { input, signal } = options;
    const command = ['sh', '-c', script, 'berth', ...words].map(quoted).join(' ');
    const running = await this.#channel(
      (done) => this.#client.exec(command, done),
      (channel) => new Command(channel),
      signal,
    );
    const stop = AbortSignal.any([signal, this.#gone.signal]);
    const stopped = Promise.withResolvers<never>();
    stopped.promise.catch(() => undefined); // raced
    const onStop = (): void => stopped.reject(this.#reason(stop));
    stop.addEventListener('abort', onStop, { once: true });
    if (stop.aborted) onStop();
    try {
      running.feed(input);
      return await Promise.race([running.ended, stopped.promise]);
    } finally {
      stop.removeEventListener('abort', onStop);
      running.abandon();
    }
  }

  /** Ends every command and stream on it. */
  close(): void {
    this.#gone.abort(CLOSED);
    // Says goodbye if that is possible at once; whether it arrives is nobody's concern.
    this.#client.end();
    this.#socket.destroySoon();
    setImmediate(() => this.#socket.destroy());
  }

  /** `use` is called before anything of the channel can have been missed. */
  async #channel<T>(
    open: (done: (error: Error | undefined, channel: ClientChannel) => void) => unknown,
    use: (channel: ClientChannel) => T,
    signal: AbortSignal,
  ): Promise<T> {
    const stop = AbortSignal.any([signal, this.#gone.signal]);
    if (stop.aborted) throw this.#reason(stop);
    const opened = Promise.withResolvers<T>();
    const stopped = (): void => opened.reject(this.#reason(stop));
    stop.addEventListener('abort', stopped, { once: true });
    try {
      open((error, channel) => {
        if (error) opened.reject(error);
        else if (stop.aborted) channel.close();
        else opened.resolve(use(channel));
      });
      return await opened.promise;
    } finally {
      stop.removeEventListener('abort', stopped);
    }
  }

  #reason(stop: AbortSignal): unknown {
    if (stop.reason !== CLOSED) return stop.reason;
    return new BerthError('unavailable', `The SSH connection to ${placeOf(this.address)} was closed.`);
  }
}

function isSameKey(known: string, shown: string): boolean {
  return known.trim().split(/\s+/).slice(0, 2).join(' ') === shown;
}

function hostKeyAlgorithms(known: readonly string[]): ServerHostKeyAlgorithm[] {
  const ofKnown = known.flatMap((key) => HOST_KEY_ALGORITHMS[key.trim().split(/\s+/)[0] ?? ''] ?? []);
  return ofKnown.length > 0 ? ofKnown : Object.values(HOST_KEY_ALGORITHMS).flat();
}

/** For every login shell, also those that are not sh. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", `'"'"'`)}'`;
}
