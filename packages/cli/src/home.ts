import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** What the command line keeps, or looks for, on this machine. */
export interface Home {
  readonly root: string;
  /** Servers, projects and tokens. */
  readonly config: string;
  /** Of the embedded server: its data, `server.json`, log and lock. */
  readonly server: string;
  readonly cache: string;
}

/** `BERTH_HOME`, else `~/.berth`. */
export function homeOf(env: NodeJS.ProcessEnv): Home {
  const root = env.BERTH_HOME ? resolve(env.BERTH_HOME) : join(homedir(), '.berth');
  return { root, config: join(root, 'config.yml'), server: join(root, 'server'), cache: join(root, 'cache') };
}
