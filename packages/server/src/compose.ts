import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AnyBackendDefinition } from '@berth/backend';
import { VERSION } from '@berth/core/version';
import { createEngine } from '@berth/engine';
import { Leases } from '@berth/engine/leases';
import { createAgentConnector } from './agents/connector.ts';
import { Authenticator } from './auth/authenticate.ts';
import { BackendAdmin } from './backends/administer.ts';
import { BackendDirectory } from './backends/directory.ts';
import { installedBackends } from './backends/installed.ts';
import { BackendRecords } from './backends/records.ts';
import { BlobStore } from './blobs/blob-store.ts';
import { CatalogService } from './catalog/service.ts';
import { AppliedConfig } from './config/apply-config.ts';
import { watchServerConfig } from './config/config-file.ts';
import { type Home, homeAt, homeRoot, placesFile, prepareHome } from './config/home.ts';
import { type Places, readPlaces } from './config/places.ts';
import { type ConfiguredEntry, NO_FILE, type ServerConfig } from './config/server-config.ts';
import { loadKeyFile } from './crypto/key-file.ts';
import { openSecrets } from './crypto/project-secrets.ts';
import { createSealer } from './crypto/sealer.ts';
import { Notices } from './events/notices.ts';
import { eventRecorder } from './events/record.ts';
import { RunChanges } from './feeds/run-changes.ts';
import { createHandlers } from './handlers/index.ts';
import { createApiServer } from './http/api-server.ts';
import { listen } from './http/listen.ts';
import { isLoopback } from './http/origin.ts';
import { LogStore } from './logs/log-store.ts';
import { LogProblemNotices } from './logs/problem-notices.ts';
import { SharedLogs } from './logs/shared-logs.ts';
import { MetricsRing } from './metrics/ring.ts';
import { startRetention } from './retention.ts';
import { agentStartFor } from './start/agent-start.ts';
import { addClientEntry } from './start/client-config.ts';
import { FIRST_PROJECT, firstStart } from './start/first-start.ts';
import { takeHomeLock } from './start/home-lock.ts';
import { claimDatabase, installationId } from './start/installation.ts';
import { holdsSealedValues, readConfig, withoutHost } from './start/known-config.ts';
import { openDatabase } from './start/open-database.ts';
import { removeServerJson, writeServerJson } from './start/server-json.ts';
import { openServerLog, type ServerLog } from './start/server-log.ts';
import { systemClock } from './start/system-clock.ts';
import { Names } from './views/names.ts';

export interface StartOptions {
  /** `BERTH_HOME`, else `~/.berth`, when absent. */
  readonly home?: string;
  /** 127.0.0.1 when absent. */
  readonly host?: string;
  /** Any that is free when absent. */
  readonly port?: number;
  readonly log?: ServerLog;
  /** For tests: answers are checked against their schemas. */
  readonly checkAnswers?: boolean;
}

export interface RunningServer {
  readonly url: string;
  readonly home: Home;
  readonly log: ServerLog;
  /** Ends within 10 s. Jobs go on. */
  close(): Promise<void>;
}

/** A cloud that does not answer must not keep everything else waiting at the start. */
const BACKENDS_PATIENCE_MS = 5_000;
/** Answers that are under way at the end get this long. */
const CLOSE_GRACE_MS = 3_000;

/**
 * The one place where concrete parts meet: store, sealer, backends, agents, engine, HTTP. What was
 * begun when a later step fails is undone.
 * @throws BerthError when another server has this home, its configuration is broken, or the port is taken
 */
export async function startServer(options: StartOptions = {}): Promise<RunningServer> {
  const root = options.home ?? homeRoot();
  const places = await readPlaces(placesFile(root), process.env);
  const home = homeAt(root, places.shared ?? root);
  prepareHome(home);
  const log = options.log ?? openServerLog({ path: home.serverLog, clock: systemClock });
  const closers: (() => unknown)[] = [];
  const close = async (): Promise<void> => {
    for (let step = closers.pop(); step !== undefined; step = closers.pop()) {
      try {
        await step();
      } catch (error) {
        log.error('a part did not end well', { error });
      }
    }
    if (options.log === undefined) log.close();
  };
  try {
    return { url: await compose(home, places, options, log, closers), home, log, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Puts the way back of every step onto `closers`. */
async function compose(
  home: Home,
  places: Places,
  options: StartOptions,
  log: ServerLog,
  closers: (() => unknown)[],
): Promise<string> {
  const clock = systemClock;
  const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
  const startedAt = clock.now();
  const host = options.host ?? '127.0.0.1';

  // Beside everything else: their modules are the largest.
  const loadingBackends = installedBackends(home.backends);
  loadingBackends.catch(() => undefined); // awaited below

  const lock = await takeHomeLock(home);
  closers.push(() => lock.release());
  const { store, isNew, isShared } = await openDatabase(home, places, {
    clock,
    onListenerError: (error) => log.error('a listener failed', { error }),
  });
  closers.push(() => store.close());

  const { config, broken } = await readConfig(home, store, isShared);
  const mayMake = isNew || !(await holdsSealedValues(store));
  const fileKeys = loadKeyFile(home.keyFile, { random, mayMake, warn: (message) => log.warn(message) });
  const sealer = createSealer([...(config?.keys ?? []), ...fileKeys], random);
  const installation = installationId(home, random);
  if (isShared) await claimDatabase(store, installation, home);
  const recordEvent = eventRecorder(clock, random);
  const adminToken = await firstStart({ store, clock, random, recordEvent });

  const notices = new Notices(store, recordEvent, log);
  closers.push(() => notices.close());
  const problems = new LogProblemNotices(store.read, notices);
  const others = isShared
    ? new SharedLogs({ store, now: clock.now, onGrown: (job) => void logs.grown(job).catch(() => undefined) })
    : null;
  closers.push(() => others?.close());
  const logs: LogStore = new LogStore({
    dir: home.logs,
    now: clock.now,
    ...(others === null ? {} : { others }),
    onProblem: (job, message) => void problems.problem(job, message),
    onRecovered: () => problems.recovered(),
  });
  closers.push(() => logs.close());
  const limits = config?.limits ?? NO_FILE.limits;
  const blobs = new BlobStore({ dir: home.blobs, store, clock, random, maxBytes: limits.maxBlobBytes, isShared });
  const swept = blobs
    .sweepUnfinished()
    .catch((error: unknown) => log.warn('broken uploads were not removed', { error: String(error) }));
  closers.push(() => swept);
  const metrics = new MetricsRing();

  const records = new BackendRecords({ store, sealer, clock, random, log, recordEvent });
  const registry = await loadingBackends;
  for (const { dir, reason } of registry.unavailable) log.warn('a backend cannot be loaded', { dir, reason });
  const catalog = new CatalogService({
    home,
    registry: () => registry.all(),
    clock,
    log,
    env: process.env,
    config: (config ?? NO_FILE).catalog,
    entries: entriesOf(config),
  });
  closers.push(() => catalog.close());
  const directory = new BackendDirectory({
    store,
    records,
    registry,
    clock,
    random,
    log,
    installation,
    stateDir: home.backendState,
    market: catalog.market,
  });
  closers.push(() => directory.close());
  const applied = new AppliedConfig({ store, directory, records, notices, clock, random, log, recordEvent }, config);
  if (broken !== null) await applied.refuse(broken);
  const ready = applied.apply();
  ready.catch((error: unknown) => log.error('backends were not configured', { error }));
  // What other servers have changed while the database could not be heard.
  const again = (): void =>
    void applied.apply().catch((error: unknown) => log.error('backends were not configured', { error }));
  closers.push(store.onCommit(() => {}, again));
  await Promise.race([ready, sleep(BACKENDS_PATIENCE_MS, undefined, { ref: false })]);

  const elapsed = (): number => performance.now();
  const engine = createEngine({
    store,
    clock,
    random,
    log,
    ...(isShared
      ? { lanes: new Leases({ store, clock, elapsed, random, log, host: hostname(), pid: process.pid }) }
      : {}),
    backends: directory,
    agents: createAgentConnector({
      ...{ home, store, logs, metrics, blobs, random, log, installation },
      agentStartOf: ({ projectId, backend }) => directory.get(projectId, backend)?.agentStart ?? null,
    }),
    sealer,
    installation,
    agentStart: agentStartFor(home, random),
    secrets: (project) => openSecrets(store, sealer, project, log),
  });
  await engine.start();
  closers.push(() => engine.stop());

  const watch = watchServerConfig(home.serverConfig, {
    changed: (read) => {
      const changed = isShared ? withoutHost(read) : read;
      catalog.configure(changed.catalog, entriesOf(changed));
      void applied.change(changed).catch((error: unknown) => log.error('config.yml was not applied', { error }));
    },
    broken: (error) =>
      void applied.refuse(error).catch((failure: unknown) => log.error('config.yml is broken', { error, failure })),
  });
  closers.push(() => watch.close());
  const retention = startRetention({ store, blobs, clock, log, eventRetentionMs: limits.eventRetentionMs });
  closers.push(() => retention.close());

  const authenticator = new Authenticator(store, clock);
  closers.push(() => authenticator.close());
  const runChanges = new RunChanges(store);
  closers.push(() => runChanges.close());
  const stopping = new AbortController();
  const app = createApiServer({
    store,
    authenticator,
    log,
    loopback: isLoopback(host),
    stopping: stopping.signal,
    checkAnswers: options.checkAnswers ?? false,
    handlers: createHandlers({
      home,
      store,
      engine,
      clock,
      random,
      log,
      sealer,
      logs,
      metrics,
      blobs,
      names: new Names(store.read),
      runChanges,
      recordEvent,
      backends: {
        views: (project) => directory.views(project),
        outOfReach: (project, backend) => directory.outOfReach(project, backend),
        has: (project) => applied.hasBackend(project),
        isConfigured: (name) => applied.isConfigured(name),
        isOwned: (type) => tellsItself(registry.definition(type)),
        refresh: () => applied.apply(),
      },
      backendAdmin: new BackendAdmin({
        directory,
        records,
        installed: () => registry.all(),
        configFile: home.serverConfig,
      }),
      catalog,
      info: { installation, pid: process.pid, startedAt },
    }),
  });
  closers.push(async () => {
    stopping.abort();
    const hurry = setTimeout(() => app.server.closeAllConnections(), CLOSE_GRACE_MS);
    await app.close();
    clearTimeout(hurry);
  });
  const url = await listen(app, host, options.port ?? 0);
  if (adminToken !== null) await addClientEntry(home.clientConfig, { project: FIRST_PROJECT, url, token: adminToken });
  writeServerJson(home.serverJson, { url, version: VERSION, startedAt });
  // The first in the list is the last to be done: whoever sees no file any more may start the next server.
  closers.unshift(() => removeServerJson(home.serverJson));
  log.info('the server listens', { url, version: VERSION, pid: process.pid, start_ms: clock.now() - startedAt });
  if (!isLoopback(host)) {
    log.warn(
      `The server listens on ${host}, where other machines reach it without encryption: put a proxy with TLS before it.`,
    );
  }
  return url;
}

/** Of all projects: prices are the same for each. */
function tellsItself(definition: AnyBackendDefinition | null): boolean {
  const kind = definition?.catalog.kind;
  return kind === 'owned' || (kind === 'online' && definition?.compute !== undefined);
}

function entriesOf(config: ServerConfig | null): readonly ConfiguredEntry[] {
  return (config?.projects ?? []).flatMap(({ backends }) => backends);
}
