import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Logger } from '@berth/backend';
import { newId, type ProjectId } from '@berth/core/ids';
import { Secret } from '@berth/core/secret';
import type { ProjectRole, ProjectRow, Store, TokenRow, UserRow } from '@berth/store';
import { openSqliteStore } from '@berth/store/sqlite';
import { Authenticator } from '../auth/authenticate.ts';
import { hashToken, makeToken, tokenPrefix } from '../auth/token.ts';
import { BlobStore } from '../blobs/blob-store.ts';
import { CatalogService } from '../catalog/service.ts';
import { homeAt, prepareHome } from '../config/home.ts';
import { NO_FILE } from '../config/server-config.ts';
import { createSealer } from '../crypto/sealer.ts';
import { eventRecorder } from '../events/record.ts';
import { RunChanges } from '../feeds/run-changes.ts';
import { createHandlers } from '../handlers/index.ts';
import type { ServerParts } from '../handlers/parts.ts';
import { createProject } from '../handlers/projects.ts';
import { createApiServer } from '../http/api-server.ts';
import type { Handlers } from '../http/call.ts';
import { LogStore } from '../logs/log-store.ts';
import { MetricsRing } from '../metrics/ring.ts';
import { memberId } from '../views/member-id.ts';
import { Names } from '../views/names.ts';
import { fakeEngine } from './fake-engine.ts';
import { type Answer, type AskOptions, ask } from './http-client.ts';

export interface LoggedLine {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>> | undefined;
}

export class TestApi {
  readonly parts: ServerParts;
  readonly url: string;
  readonly clock: { time: number; now(): number };
  readonly logged: readonly LoggedLine[];
  readonly stopping: AbortController;

  constructor(
    parts: ServerParts,
    url: string,
    clock: { time: number; now(): number },
    logged: readonly LoggedLine[],
    stopping: AbortController,
  ) {
    this.parts = parts;
    this.url = url;
    this.clock = clock;
    this.logged = logged;
    this.stopping = stopping;
  }

  get store(): Store {
    return this.parts.store;
  }

  ask(route: string, options?: AskOptions): Promise<Answer> {
    return ask(this.url, route, options);
  }

  async user(name: string, globalRole: UserRow['globalRole'] = 'user'): Promise<UserRow> {
    return this.store.transaction((tables) =>
      tables.users.insert({
        id: newId<'UserId'>(this.clock.now(), this.parts.random),
        name,
        email: null,
        globalRole,
        active: true,
        createdAt: this.clock.now(),
      }),
    );
  }

  async token(user: UserRow, more: Partial<TokenRow> = {}): Promise<string> {
    const token = makeToken(this.parts.random);
    await this.store.transaction((tables) =>
      tables.tokens.insert({
        id: newId<'TokenId'>(this.clock.now(), this.parts.random),
        userId: user.id,
        name: 'test',
        hash: hashToken(token),
        prefix: tokenPrefix(token),
        scope: 'write',
        projectId: null,
        createdAt: this.clock.now(),
        expiresAt: null,
        lastUsedAt: null,
        revokedAt: null,
        ...more,
      }),
    );
    return token.reveal();
  }

  async project(name: string, owner: UserRow): Promise<ProjectRow> {
    return this.store.transaction((tables) => createProject(this.parts, tables, name, owner.id));
  }

  async member(project: ProjectId, user: UserRow, role: ProjectRole): Promise<void> {
    const id = memberId(project, user.id);
    await this.store.transaction((tables) => tables.members.insert({ id, projectId: project, userId: user.id, role }));
  }
}

/** The whole API on a loopback port, over a real store and a fake engine. */
export async function startTestApi(
  t: TestContext,
  options: {
    readonly handlers?: (parts: ServerParts) => Handlers;
    readonly loopback?: boolean;
    readonly store?: Store;
    readonly recheckMs?: number;
  } = {},
): Promise<TestApi> {
  const root = mkdtempSync(join(tmpdir(), 'berth-api-'));
  const home = homeAt(root);
  prepareHome(home);
  const clock = { time: 1_700_000_000_000, now: () => clock.time };
  const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
  const store = options.store ?? openSqliteStore({ path: ':memory:', clock });
  const logged: LoggedLine[] = [];
  const line = (level: string) => (message: string, fields?: Readonly<Record<string, unknown>>) =>
    void logged.push({ level, message, fields });
  const log: Logger = { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
  const logs = new LogStore({ dir: home.logs, now: clock.now });
  const runChanges = new RunChanges(store);
  const config = { ...NO_FILE.catalog, online: false };
  const registry = async () => ({ types: [], definition: () => null });
  const catalog = new CatalogService({ home, registry, clock, log, env: {}, config, entries: [] });
  const parts: ServerParts = {
    home,
    store,
    engine: fakeEngine(store, clock, random),
    clock,
    random,
    log,
    sealer: createSealer([{ name: 'test', bytes: new Secret(new Uint8Array(randomBytes(32))) }], random),
    logs,
    metrics: new MetricsRing(),
    blobs: new BlobStore({ dir: home.blobs, store, clock, random, maxBytes: 1024 * 1024 }),
    names: new Names(store.read),
    runChanges,
    recordEvent: eventRecorder(clock, random),
    backends: {
      views: async () => [],
      outOfReach: () => null,
      has: () => true,
      isConfigured: () => false,
      isOwned: () => false,
      refresh: async () => {},
    },
    backendAdmin: {
      types: async () => [],
      get: () => Promise.reject(new Error('no backends here')),
      put: () => Promise.reject(new Error('no backends here')),
      choices: () => Promise.reject(new Error('no backends here')),
      remove: async () => 0,
    },
    catalog,
    info: { installation: 'test', pid: process.pid, startedAt: 0 },
  };
  const authenticator = new Authenticator(store, clock);
  const stopping = new AbortController();
  const app = createApiServer({
    handlers: (options.handlers ?? createHandlers)(parts),
    store,
    authenticator,
    log,
    loopback: options.loopback ?? true,
    stopping: stopping.signal,
    checkAnswers: options.handlers === undefined,
    ...(options.recheckMs === undefined ? {} : { recheckMs: options.recheckMs }),
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  t.after(async () => {
    stopping.abort();
    app.server.closeAllConnections();
    await app.close();
    await authenticator.close();
    runChanges.close();
    await catalog.close();
    await logs.close();
    await store.close();
    rmSync(root, { recursive: true, force: true });
  });
  const { port } = app.server.address() as AddressInfo;
  return new TestApi(parts, `http://127.0.0.1:${port}`, clock, logged, stopping);
}
