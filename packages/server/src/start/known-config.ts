import type { Store } from '@berth/store';
import { readServerConfig } from '../config/config-file.ts';
import type { Home } from '../config/home.ts';
import type { ServerConfig } from '../config/server-config.ts';

/** A broken file is fatal at the first start only: later, what it said before is known. */
export async function readConfig(
  home: Home,
  store: Store,
  isShared: boolean,
): Promise<{ readonly config: ServerConfig | null; readonly broken: unknown }> {
  try {
    const config = await readServerConfig(home.serverConfig);
    return { config: isShared ? withoutHost(config) : config, broken: null };
  } catch (error) {
    if ((await store.read.backends.count({ deletedAt: null })) === 0) throw error;
    return { config: null, broken: error };
  }
}

/** Of several hosts, none is used for jobs by itself: whoever wants it says so. */
export function withoutHost(config: ServerConfig): ServerConfig {
  return config.projects === null ? { ...config, projects: [] } : config;
}

export async function holdsSealedValues({ read }: Store): Promise<boolean> {
  return (await read.secrets.count()) + (await read.instances.count({ status: { not: 'terminated' } })) > 0;
}
