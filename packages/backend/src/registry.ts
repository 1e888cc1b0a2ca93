import { chmod, mkdir } from 'node:fs/promises';
import { BerthError, type Clock, type Offer, type RandomBytes, type Requirements } from '@berth/core';
import { nearestWord } from '@berth/core/nearest';
import type { Http } from '@berth/http';
import { realHttp } from '@berth/http/real-http';
import { askedOffers, offersOf } from './asked-offers.ts';
import { type BackendEntry, parseBackendEntry } from './backend-entry.ts';
import { BackendError } from './backend-error.ts';
import {
  type AgentStartKind,
  type AnyBackendDefinition,
  type BackendContext,
  type BackendKind,
  type BackendLimits,
  type Call,
  type Choice,
  type Compute,
  type ComputeDefinition,
  type Facet,
  facetsOf,
  type Logger,
} from './contract.ts';
import type { LoadedBackends, UnavailableBackend } from './discovery.ts';
import { computeProblems } from './facet-shape.ts';
import { DEFAULT_DEADLINES, type Deadlines, type Guard, guarded, guardedCompute } from './guarded-compute.ts';
import { OfferCache } from './offer-cache.ts';
import { redactorFor, secretsOf } from './redaction.ts';

/** A backend that is ready to be used for a project. */
export interface ConfiguredBackend {
  readonly name: string;
  readonly type: string;
  readonly title: string;
  readonly kind: BackendKind;
  readonly limits: BackendLimits;
  readonly agentStart: AgentStartKind;
  readonly facets: readonly Facet[];
  /** Whose account it is, for `berth backend list`. */
  readonly account: string;
  /** The same for all credentials of that account, and for no other. */
  readonly accountId: string;
  /** The config with everything resolved that must be stored. */
  readonly config: unknown;
  /** What the account has to choose from, by the config's field. */
  readonly choices: Readonly<Record<string, readonly Choice[]>>;
  /**
   * Offers that may fit, from memory while they are fresh (`catalog.cacheForMs`); who asks for the same
   * at the same time shares one question. Throws `BackendError`.
   */
  offers(requirements: Requirements | null, call: Call): Promise<readonly Offer[]>;
  /** Forgets the offers: they were just proven wrong. `create` and `terminate` do it themselves. */
  forgetOffers(): void;
  /** Every call has a deadline, throws nothing but `BackendError`, and tells no secret. */
  readonly compute: Compute;
}

/** What a backend gets from the server that configures it. */
export interface BackendHost {
  readonly installation: string;
  /** This backend's own directory; made with mode 0700 when it is missing. */
  readonly stateDir: string;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Logger;
  readonly deadlines?: Partial<Deadlines>;
  /** Requests to the outside; absent: real ones, whose repetitions are logged. */
  readonly http?: Http;
  /**
   * Offers of a cloud from the catalog, for backends whose source is offline. Absent: there is no catalog, and
   * such a backend has none.
   */
  readonly market?: (type: string, requirements: Requirements | null, call: Call) => Promise<readonly Offer[]>;
}

/** The backends of this installation, by type. */
export interface BackendRegistry {
  readonly types: readonly string[];
  readonly unavailable: readonly UnavailableBackend[];
  definition(type: string): AnyBackendDefinition | null;
  /** As `configureBackend`; an unknown type is `BerthError` `invalid-configuration` too. */
  configure(entry: BackendEntry, host: BackendHost, signal: AbortSignal): Promise<ConfiguredBackend>;
}

export function backendRegistry(loaded: LoadedBackends): BackendRegistry {
  const byType = new Map(loaded.available.map(({ definition }) => [definition.type, definition]));
  const types = [...byType.keys()];
  return {
    types,
    unavailable: loaded.unavailable,
    definition: (type) => byType.get(type) ?? null,
    configure: async (entry, host, signal) => {
      const definition = byType.get(entry.type);
      if (definition === undefined) throw unknownType(entry, types, loaded.unavailable);
      return await configureBackend(definition, entry, host, signal);
    },
  };
}

/**
 * Makes a backend ready: parses what was written down, checks the credentials with the cloud, and puts
 * the guards around it.
 * Throws `BerthError` `invalid-configuration` for what is written wrong, and `BackendError` when the
 * cloud refuses or does not answer.
 */
export async function configureBackend(
  definition: AnyBackendDefinition,
  entry: BackendEntry,
  host: BackendHost,
  signal: AbortSignal,
): Promise<ConfiguredBackend> {
  if (definition.compute === undefined) {
    const message = `Berth has only the price list of ${definition.title} so far (C13); it cannot create machines there.`;
    throw new BerthError('not-supported', message, { hint: 'Take it out of the config; its offers are shown anyway.' });
  }
  const parsed = await parseBackendEntry(definition, entry);
  const redactor = redactorFor(...secretsOf(entry.credentials.value, parsed.credentials));
  const guard: Guard = { redactor, deadlines: { ...DEFAULT_DEADLINES, ...host.deadlines } };
  const log = redactor.logger(host.log);
  await mkdir(host.stateDir, { recursive: true, mode: 0o700 });
  await chmod(host.stateDir, 0o700); // it may have been there, and the umask does not make a mode wider
  const { installation, stateDir, clock, random } = host;
  const http =
    host.http ?? realHttp({ onRetry: (reason, delayMs) => log.info('A request is repeated', { reason, delayMs }) });
  const base = { name: entry.name, installation, credentials: parsed.credentials, clock, random, log, http, stateDir };

  const first: BackendContext<unknown, unknown> = Object.freeze({ ...base, config: parsed.config });
  const configured = await guarded(guard, 'configure', { signal, log }, (call) => definition.configure(first, call));
  const context = Object.freeze({ ...base, config: configured.config });
  const bare = computeOf(definition, context, guard);

  const { catalog } = definition;
  // Kept when machines come and go: asking costs the user a wait, and a refusal forgets it.
  const asked =
    catalog.kind === 'online'
      ? new OfferCache({
          clock,
          cacheForMs: catalog.cacheForMs,
          query: () =>
            guarded(guard, 'query', { signal: new AbortController().signal, log }, (call) =>
              askedOffers(definition.type, catalog, context, call),
            ),
        })
      : null;
  const cache = new OfferCache({
    clock,
    // The catalog remembers by itself what it was told.
    cacheForMs: catalog.kind === 'owned' ? catalog.cacheForMs : 0,
    // The question is shared, so nobody's signal may end it; its deadline does.
    query: (requirements) =>
      guarded(guard, 'query', { signal: new AbortController().signal, log }, async (call) => {
        if (catalog.kind === 'owned') return await catalog.query(context, requirements, call);
        if (asked !== null) return offersOf(await asked.offers(null, call.signal), entry.name, requirements);
        const offers = (await host.market?.(definition.type, requirements, call)) ?? [];
        // The market knows types; two backends of one type must not share an id.
        const idOf = ({ id, backend }: Offer) =>
          id.startsWith(`${backend}/`) ? entry.name + id.slice(backend.length) : id;
        return offers.map((offer) => ({ ...offer, backend: entry.name, id: idOf(offer) }));
      }),
  });
  const { type, title, kind, limits, agentStart } = definition;
  return Object.freeze({
    name: entry.name,
    type,
    title,
    kind,
    limits,
    agentStart,
    facets: facetsOf(bare),
    account: redactor.text(configured.account),
    accountId: redactor.text(configured.accountId ?? configured.account),
    config: configured.config,
    choices: configured.choices ?? {},
    offers: (requirements: Requirements | null, call: Call) => cache.offers(requirements, call.signal),
    forgetOffers: () => {
      asked?.forget();
      cache.forget();
    },
    compute: guardedCompute(bare, guard, () => cache.forget()),
  });
}

function computeOf(
  definition: ComputeDefinition<unknown, unknown>,
  context: BackendContext<unknown, unknown>,
  guard: Guard,
): Compute {
  let compute: Compute;
  try {
    compute = definition.compute(context);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw guard.redactor.error(new BackendError('config', `It cannot be used: ${message}`, { cause: error }));
  }
  const problems = computeProblems(compute);
  if (problems.length > 0) throw new BackendError('config', `It cannot be used: ${problems.join('; ')}.`);
  return compute;
}

function unknownType(
  entry: BackendEntry,
  types: readonly string[],
  unavailable: readonly UnavailableBackend[],
): BerthError {
  const nearest = nearestWord(entry.type, types);
  const known = `Known types: ${[...types].sort().join(', ') || 'none'}.`;
  const broken =
    unavailable.length > 0 ? ` ${unavailable.length} found but unavailable; see \`berth backend list\`.` : '';
  return new BerthError('invalid-configuration', `Backend "${entry.name}" has the unknown type "${entry.type}".`, {
    hint: nearest === null ? known + broken : `Did you mean ${nearest}? ${known}${broken}`,
    issues: [{ path: 'type', message: `There is no backend of type "${entry.type}".` }],
  });
}
