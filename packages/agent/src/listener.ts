import { createHash, timingSafeEqual } from 'node:crypto';
import { chmod, mkdir, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import type { InstanceId } from '@berth/core/ids';
import type { AgentLog } from './agent-log.ts';
import { Connection } from './connection.ts';
import { type Frame, FrameError, FULL_LIMITS, HELLO_LIMITS } from './frame.ts';
import { parseServerMessage } from './message.ts';
import { type AgentHello, type AgentMessage, PROTOCOL_VERSION, type ServerHello } from './protocol.ts';
import { Session, type SessionHost } from './session.ts';

/** Who connects and says nothing is not a server. */
const HELLO_TIMEOUT_MS = 10_000;

export interface ListenerHost extends SessionHost {
  readonly instance: InstanceId;
  readonly secret: string;
  readonly log: AgentLog;
  hello(): Promise<AgentHello>;
}

/** The agent's end of the link: a unix socket that only this user can open. One server at a time. */
export class Listener {
  readonly #host: ListenerHost;
  readonly #server: Server;
  readonly #socketPath: string;
  readonly #connections = new Set<Connection>();
  #session: Session | null = null;

  private constructor(host: ListenerHost, socketPath: string) {
    this.#host = host;
    this.#socketPath = socketPath;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** Listens at `socketPath`; whoever calls holds the lock, so a socket that is there is a dead agent's. */
  static async open(host: ListenerHost, socketPath: string): Promise<Listener> {
    await mkdir(dirname(socketPath), { recursive: true, mode: 0o700 });
    await rm(socketPath, { force: true });
    const listener = new Listener(host, socketPath);
    await new Promise<void>((resolve, reject) => {
      listener.#server.on('error', reject);
      // The socket is made within this call, so no moment passes in which others could open it.
      const umask = process.umask(0o177);
      listener.#server.listen(socketPath, resolve);
      process.umask(umask);
    });
    await chmod(socketPath, 0o600);
    return listener;
  }

  /** The server that is connected; null: none. */
  get session(): Session | null {
    return this.#session;
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#session?.close();
    for (const connection of this.#connections) connection.end();
    await rm(this.#socketPath, { force: true });
  }

  #accept(socket: Socket): void {
    let session: Session | null = null;
    let greeted = false;
    const connection = new Connection(socket, HELLO_LIMITS, {
      onFrame: (frame) => {
        if (session !== null) return session.handle(frame);
        if (greeted) throw new FrameError('A server speaks on only after the answer to its hello.');
        greeted = true;
        this.#greet(frame, connection, (greetedSession) => {
          session = greetedSession;
        }).catch((error: Error) => connection.destroy(error));
      },
      onClose: (error) => {
        clearTimeout(silence);
        this.#connections.delete(connection);
        if (session !== null && this.#session === session) this.#session = null;
        if (error !== null) this.#host.log.write(`A connection was closed: ${error.message}`);
      },
    });
    const silence = setTimeout(() => {
      if (session === null) connection.destroy(new FrameError('No hello came.'));
    }, HELLO_TIMEOUT_MS);
    this.#connections.add(connection);
  }

  async #greet(frame: Frame, connection: Connection, onSession: (session: Session) => void): Promise<void> {
    const hello = parseServerMessage(frame.header);
    if (hello.t !== 'hello') throw new FrameError('The first message must be a hello.');
    const refusal = this.#refusal(hello);
    if (refusal !== null) {
      this.#host.log.write(`Refused a server: ${refusal.message}`);
      connection.send(refusal);
      connection.end();
      return;
    }
    const answer = await this.#host.hello();
    if (connection.isClosed) return;
    const session = new Session(connection, this.#host, hello);
    onSession(session);
    this.#session?.close();
    this.#session = session;
    connection.setLimits(FULL_LIMITS);
    connection.send(answer);
    await session.begin();
  }

  #refusal(hello: ServerHello): Extract<AgentMessage, { t: 'refused' }> | null {
    // The secret first: who does not have it learns nothing else.
    if (!isSame(hello.secret, this.#host.secret)) {
      return { t: 'refused', reason: 'secret', message: 'The secret is not the one that this agent was started with.' };
    }
    if (hello.instance !== this.#host.instance) {
      const message = `This is the agent of the instance ${this.#host.instance}, not of ${hello.instance}.`;
      return { t: 'refused', reason: 'instance', message };
    }
    if (hello.protocol !== PROTOCOL_VERSION) {
      const message = `This agent speaks protocol ${PROTOCOL_VERSION}, the server ${hello.protocol}.`;
      return { t: 'refused', reason: 'protocol', message };
    }
    return null;
  }
}

/** In constant time; hashing makes the lengths equal. */
function isSame(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
