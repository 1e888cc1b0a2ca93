/** What every part of the tool works with; each thing is made when it is first asked for. */
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { AnyBackendDefinition, BackendEntry, BackendRegistry } from '@berth/backend';
import type { Catalog, CollectedSource, PublishReport } from '@berth/catalog';
import { publish } from '@berth/catalog/publish';
import { directoryTarget } from '@berth/catalog/publish-target';
import type { CatalogToolOptions } from '@berth/core/catalog-tool';
import type { Http } from '@berth/http';
import { realHttp } from '@berth/http/real-http';
import { installedBackends } from '../../backends/installed.ts';
import { readServerConfig } from '../../config/config-file.ts';
import { type Home, homeAt } from '../../config/home.ts';
import type { ServerConfig } from '../../config/server-config.ts';
import { loadCatalog } from '../load-catalog.ts';
import { type CatalogPlaces, catalogPlaces, tellChanged } from '../places.ts';
import { patiently } from './patiently.ts';

/** A server and a tool may keep something at once; each is done in some milliseconds. */
const LONGEST_PAUSE_MS = 500;

export class Workshop {
  readonly home: Home;
  readonly places: CatalogPlaces;
  readonly http: Http;
  readonly options: CatalogToolOptions;
  #config: Promise<ServerConfig> | null = null;
  #registry: Promise<BackendRegistry> | null = null;
  #catalog: Promise<Catalog> | null = null;
  /** Two sources that end at once must not publish at once. */
  #storing: Promise<unknown> = Promise.resolve();

  constructor(options: CatalogToolOptions) {
    this.options = options;
    this.home = homeAt(options.home);
    this.places = catalogPlaces(this.home.catalog);
    this.http = realHttp({
      onRetry: (reason, delayMs) => options.progress(`${reason}; again in ${Math.ceil(delayMs / 1000)} s`),
    });
  }

  get signal(): AbortSignal {
    return this.options.signal;
  }

  /** Milliseconds since 1970. */
  readonly now = (): number => Date.now();

  at(path: string): string {
    return resolve(this.options.cwd, path);
  }

  config(): Promise<ServerConfig> {
    this.#config ??= readServerConfig(this.home.serverConfig);
    return this.#config;
  }

  async entries(): Promise<readonly BackendEntry[]> {
    return ((await this.config()).projects ?? []).flatMap(({ backends }) => backends);
  }

  registry(): Promise<BackendRegistry> {
    this.#registry ??= installedBackends(this.home.backends).then((installed) => installed.all());
    return this.#registry;
  }

  /** Installed backends with a price list, by type. */
  async definitions(): Promise<readonly AnyBackendDefinition[]> {
    const registry = await this.registry();
    return registry.types
      .toSorted()
      .map((type) => registry.definition(type))
      .filter((definition) => definition !== null)
      .filter(({ catalog }) => catalog.kind !== 'owned');
  }

  /** What is here, as it was at the first question. */
  catalog(): Promise<Catalog> {
    this.#catalog ??= this.#load();
    return this.#catalog;
  }

  /** Keeps what came of sources, as one change. */
  store(sources: readonly CollectedSource[]): Promise<PublishReport> {
    const stored = this.#storing.then(async () => {
      const target = directoryTarget(this.places.collected, this.now);
      // Only the owner may write here: what lies here is believed without a signature.
      await mkdir(this.home.catalog, { recursive: true, mode: 0o700 });
      const report = await patiently(this.signal, LONGEST_PAUSE_MS, () =>
        publish({ target, signer: null, now: this.now, signal: this.signal }, sources),
      );
      await tellChanged(this.places, this.now());
      return report;
    });
    this.#storing = stored.catch(() => undefined);
    return stored;
  }

  async #load(): Promise<Catalog> {
    const { catalog, problems } = await loadCatalog(this.places, { now: this.now, signal: this.signal });
    for (const { source, reason } of problems) {
      this.options.warn(`a part of the catalog is damaged: ${source === null ? '' : `${source}: `}${reason}`);
    }
    return catalog;
  }
}
