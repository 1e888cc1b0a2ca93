import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import ssh2 from 'ssh2';
import type { Seen } from './client.ts';

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Shows one key and signs with another. */
export class Impostor extends ssh2.BaseAgent<ssh2.ParsedKey> {
  readonly #shown: ssh2.ParsedKey;
  readonly #own: ssh2.ParsedKey;

  constructor(shown: string, own: string) {
    super();
    const [first, second] = [ssh2.utils.parseKey(shown), ssh2.utils.parseKey(own)];
    if (first instanceof Error || second instanceof Error) throw new Error('both are keys');
    this.#shown = first;
    this.#own = second;
  }

  getIdentities(callback: ssh2.IdentityCallback<ssh2.ParsedKey>): void {
    callback(undefined, [this.#shown]);
  }

  sign(_key: ssh2.ParsedKey, data: Buffer, options: unknown, callback?: ssh2.SignCallback): void {
    const done = callback ?? (options as ssh2.SignCallback);
    done(undefined, this.#own.sign(data));
  }
}

/** A connection to a machine, which must show the host key that the API told. */
export class SshConnection {
  readonly #client: ssh2.Client;

  constructor(client: ssh2.Client) {
    this.#client = client;
  }

  static open(machine: Seen, identity: string | Impostor): Promise<SshConnection> {
    const client = new ssh2.Client();
    return new Promise((resolve, reject) => {
      client.once('connect', () => client.setNoDelay(true));
      client.once('ready', () => resolve(new SshConnection(client)));
      client.once('error', reject);
      client.connect({
        host: machine.ip ?? '',
        port: machine.ssh_port ?? 0,
        username: machine.ssh_user,
        ...(typeof identity === 'string' ? { privateKey: identity } : { agent: identity }),
        hostVerifier: (key: Buffer) => machine.ssh_host_key?.split(' ')[1] === key.toString('base64'),
        readyTimeout: 10_000,
      });
    });
  }

  exec(command: string, input?: (stdin: Duplex) => void): Promise<CommandResult> {
    return new Promise((resolve, reject) => {
      this.#client.exec(command, (error, channel) => {
        if (error) return reject(error);
        let code: number | null = null;
        channel.on('exit', (status: number | null) => {
          code = status;
        });
        const output = Promise.all([text(channel), text(channel.stderr)]);
        channel.on('close', () => void output.then(([stdout, stderr]) => resolve({ code, stdout, stderr }), reject));
        if (input === undefined) channel.end();
        else input(channel);
      });
    });
  }

  /** A connection to a unix socket on the machine. */
  streamLocal(path: string): Promise<Duplex> {
    return new Promise((resolve, reject) => {
      this.#client.openssh_forwardOutStreamLocal(path, (error, channel) => (error ? reject(error) : resolve(channel)));
    });
  }

  tcp(host: string, port: number): Promise<Duplex> {
    return new Promise((resolve, reject) => {
      this.#client.forwardOut('127.0.0.1', 0, host, port, (error, channel) =>
        error ? reject(error) : resolve(channel),
      );
    });
  }

  close(): void {
    this.#client.end();
  }
}
