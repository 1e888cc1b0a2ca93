import { type Client, createClient } from '@berth/client/client';
import { readConfig } from '../connection/config-file.ts';
import { findTarget } from '../connection/target.ts';
import { isEmbeddedAt } from '../embedded/address.ts';
import { readServerFile } from '../embedded/server-file.ts';
import type { Home } from '../home.ts';

export const KINDS = ['run', 'live-run', 'fleet', 'instance', 'project', 'secret', 'backend'] as const;
export type Kind = (typeof KINDS)[number];

/** Somebody waits with a finger on the Tab key. */
const DEADLINE_MS = 500;
/** More than anybody looks through. */
const MOST = 200;
/** A shell expands the words it is given: what is none of our names must not get there. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/**
 * Names of things of one kind, for a completion script. Nothing is started or waited for long: whatever goes
 * wrong, there are no names.
 */
export async function namesOf(
  kind: Kind,
  env: NodeJS.ProcessEnv,
  home: Home,
  project: string | null,
): Promise<string[]> {
  const remembered = kind === 'project' ? await readConfig(home.config).catch(() => []) : [];
  const told = await askServer(kind, env, home, project).catch(() => []);
  const names = [...remembered.map((entry) => entry.name), ...told];
  return [...new Set(names)].filter((name) => NAME.test(name)).sort();
}

async function askServer(kind: Kind, env: NodeJS.ProcessEnv, home: Home, project: string | null): Promise<string[]> {
  const target = await findTarget(env, home, project);
  if (target === null) return [];
  const isEmbedded = target.source === 'config' && isEmbeddedAt(home, target.url);
  const url = isEmbedded ? readServerFile(home)?.url : target.url;
  if (url === undefined) return [];
  const client = createClient({ url, token: target.token, project: target.project });
  try {
    return await list(client, kind);
  } finally {
    client.close();
  }
}

async function list(client: Client, kind: Kind): Promise<string[]> {
  const deadlineMs = DEADLINE_MS;
  switch (kind) {
    case 'run':
      return (await client.call('run.list', { query: { limit: MOST }, deadlineMs })).runs.map(({ name }) => name);
    case 'live-run':
      return (await client.call('run.list', { query: { limit: MOST, live: 'true' }, deadlineMs })).runs.map(
        ({ name }) => name,
      );
    case 'fleet':
      return (await client.call('fleet.list', { deadlineMs })).map(({ name }) => name);
    case 'instance':
      return (await client.call('instance.list', { query: { limit: MOST }, deadlineMs })).map(({ name }) => name);
    case 'project':
      return (await client.call('project.list', { deadlineMs })).map(({ name }) => name);
    case 'backend':
      return (await client.call('backend.list', { deadlineMs })).map(({ name }) => name);
    case 'secret':
      return (await client.call('secret.list', { deadlineMs })).map(({ name }) => name);
  }
}

/** What an argument or option of this name is the name of; null: nothing that a server could list. */
export function kindOf(command: string, word: string): Kind | null {
  const kind = KINDS.find((candidate) => candidate === word) ?? null;
  return command === 'stop' && kind === 'run' ? 'live-run' : kind;
}
