import type { FleetId, ProjectId, RunId, UserId } from '@berth/core/ids';
import type { ReadTables } from '@berth/store';

/** Names never change, so they are asked for once; this many are remembered of each kind. */
const REMEMBERED = 5000;

type Named = 'users' | 'projects' | 'runs' | 'fleets';
interface IdOf {
  users: UserId;
  projects: ProjectId;
  runs: RunId;
  fleets: FleetId;
}

/** Names for ids, many at a time: a list costs one query per kind, and most often none. */
export class Names {
  readonly #read: ReadTables;
  readonly #known: { readonly [K in Named]: Map<string, string> } = {
    users: new Map(),
    projects: new Map(),
    runs: new Map(),
    fleets: new Map(),
  };

  constructor(read: ReadTables) {
    this.#read = read;
  }

  users(ids: Iterable<UserId | null>): Promise<(id: UserId) => string> {
    return this.#of('users', ids, (missing) => this.#read.users.find({ where: { id: { in: missing } } }));
  }

  projects(ids: Iterable<ProjectId | null>): Promise<(id: ProjectId) => string> {
    return this.#of('projects', ids, (missing) => this.#read.projects.find({ where: { id: { in: missing } } }));
  }

  runs(ids: Iterable<RunId | null>): Promise<(id: RunId) => string> {
    return this.#of('runs', ids, (missing) => this.#read.runs.find({ where: { id: { in: missing } } }));
  }

  fleets(ids: Iterable<FleetId | null>): Promise<(id: FleetId) => string> {
    return this.#of('fleets', ids, (missing) => this.#read.fleets.find({ where: { id: { in: missing } } }));
  }

  /** What is gone is shown by its id. */
  async #of<K extends Named>(
    kind: K,
    ids: Iterable<IdOf[K] | null>,
    find: (missing: IdOf[K][]) => Promise<readonly { readonly id: string; readonly name: string }[]>,
  ): Promise<(id: IdOf[K]) => string> {
    const known = this.#known[kind];
    const wanted = new Set<IdOf[K]>();
    for (const id of ids) if (id !== null) wanted.add(id);
    const missing = [...wanted].filter((id) => !known.has(id));
    const found = new Map<string, string>();
    if (missing.length > 0) for (const { id, name } of await find(missing)) found.set(id, name);
    const answer = new Map([...wanted].map((id) => [id as string, found.get(id) ?? known.get(id) ?? id]));
    if (known.size + found.size > REMEMBERED) known.clear();
    for (const [id, name] of found) known.set(id, name);
    return (id) => answer.get(id) ?? id;
  }
}
