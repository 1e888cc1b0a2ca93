import { once } from 'node:events';
import ssh2, { type Connection, type ServerChannel } from 'ssh2';
import type { SshAddress } from '../agents/ssh-link.ts';

/** What a host does that OpenSSH's server would not, or not on request. */
export interface FakeSshHostOptions {
  /** In OpenSSH's form. */
  readonly hostKey: string;
  readonly authenticates?: boolean;
  /** Of a request for a stream to a unix socket: refused, never answered, or given to `onStream`. */
  readonly streams?: 'refuse' | 'hang' | 'accept';
  readonly onStream?: (channel: ServerChannel) => void;
  /** A command runs; what it is told and says is up to the test. Absent: it never answers. */
  readonly onCommand?: (channel: ServerChannel, connection: Connection) => void;
}

interface Cleanup {
  after(hook: () => Promise<void>): void;
}

/** An SSH server in this process that misbehaves as told. It goes with the test. */
export class FakeSshHost {
  readonly port: number;
  readonly #connections = new Set<Connection>();

  private constructor(port: number, connections: Set<Connection>) {
    this.port = port;
    this.#connections = connections;
  }

  static async start(t: Cleanup, options: FakeSshHostOptions): Promise<FakeSshHost> {
    const connections = new Set<Connection>();
    const server = new ssh2.Server({ hostKeys: [options.hostKey], ident: 'OpenSSH_9.2' }, (connection) => {
      connections.add(connection);
      connection.on('close', () => connections.delete(connection));
      connection.on('error', () => undefined);
      connection.on('authentication', (attempt) => {
        if (options.authenticates === false) attempt.reject(['publickey']);
        else attempt.accept();
      });
      connection.on('ready', () => {
        connection.on('session', (accept) => {
          accept().on('exec', (acceptCommand) => options.onCommand?.(acceptCommand(), connection));
        });
        connection.on('openssh.streamlocal', (accept, reject) => {
          if (options.streams === 'accept') options.onStream?.(accept());
          else if (options.streams !== 'hang') reject();
        });
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    t.after(async () => {
      for (const connection of connections) connection.end();
      server.close();
    });
    return new FakeSshHost(typeof address === 'object' && address !== null ? address.port : 0, connections);
  }

  get address(): SshAddress {
    return { kind: 'ssh', host: '127.0.0.1', port: this.port, user: 'root', hostKeys: [] };
  }

  /** Logged in or about to. */
  get connections(): number {
    return this.#connections.size;
  }
}
