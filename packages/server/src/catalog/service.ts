/**
 * The server's catalog. Nothing of it is loaded before somebody asks, so that a server starts as fast as
 * without; from then on it answers from memory, and what changes on the disk is swapped in while it answers.
 */
import { type FSWatcher, watch } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { BackendEntry, BackendHost, BackendRegistry, Logger } from '@berth/backend';
import type { Catalog, CatalogFilter } from '@berth/catalog';
import type { Clock } from '@berth/core/ids';
import type { Home } from '../config/home.ts';
import type { CatalogConfig } from '../config/server-config.ts';
import { type CatalogPlaces, catalogPlaces } from './places.ts';
import { RefreshSchedule } from './refresh.ts';

export interface CatalogServiceOptions {
  readonly home: Home;
  /** Every backend that is installed; asked for when the catalog is loaded. */
  readonly registry: () => Promise<Pick<BackendRegistry, 'types' | 'definition'>>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly config: CatalogConfig;
  /** Backends that config.yml names: some tell their prices only to those who have an account. */
  readonly entries: readonly BackendEntry[];
}

/** How long a query waits for sources that are asked when needed; what comes later is in the next answer. */
const PATIENCE_MS = 1_500;
/** A tool writes several files. */
const SETTLE_MS = 50;

export type Market = NonNullable<BackendHost['market']>;

export class CatalogService {
  readonly #options: CatalogServiceOptions;
  readonly #places: CatalogPlaces;
  readonly #schedule: RefreshSchedule;
  readonly #closing = new AbortController();
  #config: CatalogConfig;
  #entries: readonly BackendEntry[];
  #loading: Promise<Catalog> | null = null;
  #watcher: FSWatcher | null = null;
  #settling: NodeJS.Timeout | undefined;
  #reloading: Promise<void> = Promise.resolve();
  #isReloadDue = false;

  constructor(options: CatalogServiceOptions) {
    this.#options = options;
    this.#config = options.config;
    this.#entries = options.entries;
    this.#places = catalogPlaces(options.home.catalog);
    this.#schedule = new RefreshSchedule({ home: options.home.root, log: options.log, clock: options.clock });
    this.#schedule.set(options.config);
  }

  /** config.yml has changed. */
  configure(config: CatalogConfig, entries: readonly BackendEntry[]): void {
    this.#config = config;
    this.#entries = entries;
    this.#schedule.set(config);
  }

  /** As it is in memory; loaded at the first question. */
  catalog(): Promise<Catalog> {
    this.#loading ??= this.#load().catch((error: unknown) => {
      this.#loading = null;
      throw error;
    });
    return this.#loading;
  }

  /** The same, after those sources were asked that the filter concerns and that are asked when needed. */
  async asked(filter: CatalogFilter): Promise<Catalog> {
    const catalog = await this.catalog();
    // Who comes too late is told in the answer, and goes on for the next one.
    await catalog.refreshOnline(filter, AbortSignal.timeout(PATIENCE_MS)).catch(() => undefined);
    return catalog;
  }

  /** `BackendHost.market`: offers of a cloud for the backends that create machines there. */
  readonly market: Market = async (type, requirements) => {
    const [{ offersFor }, catalog] = await Promise.all([
      import('./market-offers.ts'),
      this.asked({ backends: [type] }),
    ]);
    return offersFor(catalog, type, requirements);
  };

  get times(): {
    readonly url: string | null;
    readonly refreshedAt: number | null;
    readonly nextRefreshAt: number | null;
  } {
    const { urls } = this.#config;
    return { url: urls.length === 0 ? null : urls.join(', '), ...this.#schedule.times };
  }

  get places(): CatalogPlaces {
    return this.#places;
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('the server stops'));
    clearTimeout(this.#settling);
    this.#watcher?.close();
    await this.#schedule.close();
    await this.#loading?.catch(() => undefined);
    await this.#reloading;
  }

  async #load(): Promise<Catalog> {
    const { clock, registry, log, env } = this.#options;
    const [{ loadCatalog }, { onlineSources }, { realHttp }] = await Promise.all([
      import('./load-catalog.ts'),
      import('./online-sources.ts'),
      import('@berth/http/real-http'),
    ]);
    const now = () => clock.now();
    const places = () => ({ entries: this.#entries, env });
    // Somebody waits: what does not answer at once is asked again at the next question, not now.
    const http = realHttp({ attempts: 2 });
    const online = this.#config.online ? onlineSources(await registry(), { http, log, now, places }) : [];
    await this.#watch();
    const { catalog, problems } = await loadCatalog(this.#places, { now, online, signal: this.#closing.signal });
    for (const problem of problems) log.warn('a part of the catalog is damaged', { ...problem });
    return catalog;
  }

  /**
   * Before anything is read: what changes while it is read is read again. Where that cannot be had, what is
   * there answers all the same.
   */
  async #watch(): Promise<void> {
    if (this.#watcher !== null) return;
    try {
      await mkdir(dirname(this.#places.changed), { recursive: true, mode: 0o700 });
      this.#watchFolder();
    } catch (error) {
      this.#options.log.warn('the catalog is not watched', { error });
    }
  }

  #watchFolder(): void {
    const { changed } = this.#places;
    this.#watcher = watch(dirname(changed), { persistent: false }, (_event, name) => {
      if (name !== null && name !== basename(changed)) return;
      clearTimeout(this.#settling);
      this.#settling = setTimeout(() => {
        if (this.#isReloadDue) return; // one that has not begun sees this change too
        this.#isReloadDue = true;
        this.#reloading = this.#reloading.then(() => this.#reload());
      }, SETTLE_MS);
    });
    this.#watcher.on('error', (error) => this.#options.log.warn('the catalog is not watched any more', { error }));
  }

  async #reload(): Promise<void> {
    const { log } = this.#options;
    const { signal } = this.#closing;
    this.#isReloadDue = false;
    if (signal.aborted) return;
    try {
      const { reload } = await import('./load-catalog.ts');
      const problems = await reload(await this.catalog(), this.#places, signal);
      for (const problem of problems) log.warn('a part of the catalog is damaged', { ...problem });
    } catch (error) {
      if (!signal.aborted) log.warn('the catalog was not read again', { error });
    }
  }
}
