import type { Client } from '@berth/client/client';
import { connect } from './connection/connect.ts';
import type { Target } from './connection/target.ts';
import { type Home, homeOf } from './home.ts';

/** What a command gets to work with. */
export interface Context {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly home: Home;
  /** `--project` of the command line. */
  readonly project: string | null;
  /**
   * The server's client; its project is resolved. Starts the embedded server when that is the one
   * that is meant and it does not run.
   * @throws BerthError
   */
  client(): Promise<Client>;
  /** Where `client` is connected to. */
  target(): Promise<Target>;
  /** Lets the process end: closes idle connections. */
  close(): void;
}

export function createContext(options: { readonly project: string | null }): Context {
  const { env } = process;
  const home = homeOf(env);
  let connection: ReturnType<typeof connect> | undefined;
  let client: Client | undefined;
  const connected = () => {
    connection ??= connect(env, home, options.project);
    return connection;
  };
  return {
    env,
    cwd: process.cwd(),
    home,
    project: options.project,
    async client() {
      ({ client } = await connected());
      return client;
    },
    async target() {
      return (await connected()).target;
    },
    close() {
      client?.close();
    },
  };
}
