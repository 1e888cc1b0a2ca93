/** What one run of the kit shares among its checks: the backend, the cloud behind it, what was made there. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { normalizeOffer } from '@berth/catalog/normalize';
import { toOffer } from '@berth/catalog/requirements-filter';
import { newId, type Offer } from '@berth/core';
import type { Http } from '@berth/http';
import { realHttp } from '@berth/http/real-http';
import { type BackendEntry, parseBackendEntry } from '../backend-entry.ts';
import type { AnyBackendDefinition, ComputeDefinition, Logger, SharedParts } from '../contract.ts';
import type { Deadlines } from '../guarded-compute.ts';
import { redactorFor } from '../redaction.ts';
import { type BackendHost, type ConfiguredBackend, configureBackend } from '../registry.ts';
import { FAKE_ACCOUNTS, type Fake } from './fake.ts';
import type { FaultProxy } from './fault-proxy.ts';
import { throwAwayKey } from './kit-agent.ts';
import type { LiveAccount } from './live-account.ts';
import { skip, wordsOf } from './rule.ts';
import { spied, Transcript } from './spied.ts';

export interface StageOptions {
  readonly definition: AnyBackendDefinition;
  /** The module that exports the definition; null: it has none of its own. */
  readonly module: string | null;
  /** A module whose `offerBerth` must run before that one is imported by itself; null: nothing need be. */
  readonly preload: string | null;
  /** Types of the other backends that are installed. */
  readonly otherTypes: readonly string[];
  /** Of this run alone. */
  readonly dir: string;
  readonly fake: Fake | null;
  readonly proxies: readonly FaultProxy[];
  readonly live: LiveAccount | null;
  /** Why there is no fake; null: there is one, or none is needed. */
  readonly fakeProblem: string | null;
  readonly signal: AbortSignal;
  readonly pace?: Pace;
}

export interface Pace {
  /** Between two looks, in ms. */
  readonly pollMs: number;
  /** How long something is waited for. */
  readonly patienceMs: number;
  /** How long machines of one check may take to go when it is over. */
  readonly cleanMs: number;
}

/** A fake that needs longer than this for anything is no fake. */
const FAKE_PACE: Pace = { pollMs: 20, patienceMs: 8_000, cleanMs: 2_000 };
const LIVE_POLL_MS = 3_000;
const LIVE_CLEAN_MS = 5 * 60_000;

/** No call to a fake takes long, and one that hangs must not hold up a check for two minutes. */
const FAKE_DEADLINE_MS = 10_000;
const FAKE_DEADLINES: Deadlines = {
  configure: FAKE_DEADLINE_MS,
  query: FAKE_DEADLINE_MS,
  create: FAKE_DEADLINE_MS,
  list: FAKE_DEADLINE_MS,
  terminate: FAKE_DEADLINE_MS,
  agentStart: FAKE_DEADLINE_MS,
  facetRead: FAKE_DEADLINE_MS,
  facetChange: FAKE_DEADLINE_MS,
};

/** Of offers that are looked at; the dearest of a large cloud are never taken. */
const MOST_OFFERS = 50_000;

const SILENT: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export interface ConfigureOptions {
  readonly deadlines?: Partial<Deadlines>;
  /** A folder and an installation of its own: another server. */
  readonly installation?: string;
}

export class Stage {
  readonly options: StageOptions;
  readonly installation: string;
  readonly transcript = new Transcript();
  readonly authorizedKey = throwAwayKey();
  readonly registryPassword = `kit-${randomBytes(12).toString('hex')}`;
  /** Ids of machines that could not be removed, with the check that made them. */
  readonly leaks = new Map<string, string>();
  /** Ids of machines that are none of ours. */
  readonly planted = new Set<string>();
  readonly shared = new Map<string, SharedParts>();
  #backend: Promise<ConfiguredBackend> | null = null;
  #offers: Promise<readonly Offer[]> | null = null;
  #serial = 0;

  constructor(options: StageOptions) {
    this.options = options;
    this.installation = options.live?.installation ?? randomBytes(6).toString('hex');
  }

  /** @throws Skipped for a price list, on which nothing is created */
  get definition(): ComputeDefinition<unknown, unknown> {
    const { definition } = this.options;
    return definition.compute === undefined ? skip('it is a price list, without machines (C13)') : definition;
  }

  get pace(): Pace {
    const { pace, live } = this.options;
    if (pace !== undefined) return pace;
    if (live === null) return FAKE_PACE;
    const { provisioningTimeoutMs } = this.definition.limits;
    return { pollMs: LIVE_POLL_MS, patienceMs: provisioningTimeoutMs + this.listLagMs, cleanMs: LIVE_CLEAN_MS };
  }

  /** How late the cloud may list, in ms. */
  get listLagMs(): number {
    return this.definition.limits.listLagMs ?? 30_000;
  }

  /** Random bytes and time are the machine's own; nothing here is replayed. */
  newToken(length = 26): string {
    const id = newId<'InstanceId'>(Date.now(), (size) => randomBytes(size));
    return id.slice(-Math.min(length, id.length)).padStart(length, '0');
  }

  http(): Http {
    const { fake } = this.options;
    if (fake === null) return realHttp();
    // The least that a client may wait: half of its own pause, and all of the cloud's.
    return realHttp({ ...(fake.origins === undefined ? {} : { origins: fake.origins }), attempts: 4 });
  }

  goodEntry(): BackendEntry {
    const { fake, live, fakeProblem } = this.options;
    const entry = live?.entry ?? fake?.entry('good') ?? null;
    if (entry === null) skip(fakeProblem ?? 'the fake has no account that works');
    return entry;
  }

  /** The backend of the good account, as a server has it. */
  async backend(): Promise<ConfiguredBackend> {
    this.#backend ??= this.configure(this.goodEntry());
    try {
      return await this.#backend;
    } catch (error) {
      if (error instanceof Error && error.name === 'Skipped') throw error;
      return skip(`the good account cannot be configured (C17.1): ${wordsOf(error)}`);
    }
  }

  async configure(entry: BackendEntry, options: ConfigureOptions = {}): Promise<ConfiguredBackend> {
    const { dir, fake, signal } = this.options;
    const { installation = this.installation } = options;
    const host: BackendHost = {
      installation,
      stateDir: installation === this.installation ? stateDirOf(dir) : join(dir, 'state', `other-${++this.#serial}`),
      clock: fake?.clock ?? { now: Date.now },
      random: (length) => randomBytes(length),
      log: SILENT,
      deadlines: { ...(fake === null ? {} : FAKE_DEADLINES), ...options.deadlines },
      http: this.http(),
      market: async () => await this.offers(),
    };
    return await configureBackend(spied(this.definition, this.transcript), entry, host, signal);
  }

  /** Takes away what machines of the checks shared. Resolves with the regions where it is still there. */
  async removeShared(): Promise<readonly string[]> {
    if (this.shared.size === 0) return [];
    const { live } = this.options;
    const { bootstrap } = (await this.backend()).compute;
    // Not the run's own signal: it may be over, and what is left costs money.
    const call = { signal: new AbortController().signal, log: SILENT };
    const end = Date.now() + this.pace.cleanMs;
    while (bootstrap?.whenUnused === 'remove' && this.shared.size > 0) {
      for (const [region, parts] of this.shared) {
        const removed = await bootstrap.remove(region, parts, call).then(
          () => true,
          () => false, // its machines are on their way out
        );
        if (!removed) continue;
        this.shared.delete(region);
        await live?.journal.sharesNoMore(region);
      }
      if (Date.now() > end) return [...this.shared.keys()];
      if (this.shared.size > 0) await sleep(this.pace.pollMs);
    }
    return [];
  }

  /** A report is for everybody to see. */
  redact(text: string): string {
    const { fake, live } = this.options;
    const entries = live !== null ? [live.entry] : FAKE_ACCOUNTS.map((account) => fake?.entry(account) ?? null);
    const values = entries.map((entry) => entry?.credentials.value);
    return redactorFor(this.registryPassword, ...values).text(text);
  }

  /** Everything that can be had, the cheapest first. */
  async offers(): Promise<readonly Offer[]> {
    this.#offers ??= this.#askForOffers();
    return await this.#offers;
  }

  /** Prices and stock may have changed. */
  forgetOffers(): void {
    this.#offers = null;
  }

  async #askForOffers(): Promise<readonly Offer[]> {
    const { fake, live } = this.options;
    const told = (await fake?.offers?.()) ?? live?.offers ?? (await this.collected());
    const backend = this.goodEntry().name;
    return told.map((offer) => ({ ...offer, backend })).toSorted((a, b) => a.pricePerHour - b.pricePerHour);
  }

  /** What the backend itself says is sold: its price list, or the machines that it owns. */
  async collected(): Promise<readonly Offer[]> {
    const { catalog, type } = this.options.definition;
    const { signal, fake } = this.options;
    if (catalog.kind === 'owned') return await (await this.backend()).offers(null, { signal, log: SILENT });
    const entry = this.goodEntry();
    const { credentials, config } = await parseBackendEntry(this.options.definition, entry);
    const now = (): number => fake?.clock?.now() ?? Date.now();
    const log = { progress: () => {}, skipped: () => {} };
    const offers: Offer[] = [];
    for await (const one of catalog.collect({ http: this.http(), signal, now, credentials, config, log })) {
      const normal = normalizeOffer(one, { backend: type, source: type, collectedAt: now() });
      const offer = normal.ok ? toOffer(normal.offer, { backendName: entry.name, requestedDiskMiB: 0 }) : null;
      if (offer !== null) offers.push(offer);
      if (offers.length >= MOST_OFFERS) break;
    }
    return offers;
  }
}

/** Of the one server that most checks have; a restart finds it again. */
export function stateDirOf(dir: string): string {
  return join(dir, 'state', 'own');
}
