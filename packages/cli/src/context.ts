import type { Client } from '@berth/client/client';
import { BerthError } from '@berth/core/errors';
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
  /** The same error, or one that says more of it: which setting a refused token comes from. */
  explained(error: unknown): Promise<unknown>;
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
    async explained(error) {
      // A command that talked to another server than that of the settings has no connection here.
      if (connection === undefined || !(error instanceof BerthError) || error.code !== 'unauthenticated') return error;
      if (error.details.setting !== undefined) return error;
      const { explainRefusedToken } = await import('./connection/refused-token.ts');
      return explainRefusedToken(error, (await connection).target);
    },
    close() {
      client?.close();
    },
  };
}
