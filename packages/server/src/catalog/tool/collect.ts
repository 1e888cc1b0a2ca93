import type { AnyBackendDefinition } from '@berth/backend';
import { Market } from '@berth/catalog/integrity';
import { encodeSnapshot } from '@berth/catalog/snapshot';
import type { CatalogSourceInfo, CollectedReport, CollectToolOptions } from '@berth/core/catalog-tool';
import { BerthError } from '@berth/core/errors';
import { nearestWord } from '@berth/core/nearest';
import { collectSource } from '../collect-source.ts';
import { accountFor, type CredentialPlaces } from '../source-credentials.ts';
import { historyWith } from './history.ts';
import { allOffers } from './offers.ts';
import { collectedReport, failedReport } from './reports.ts';
import type { Workshop } from './workshop.ts';

/** Sources are slow because of the network; more at once would only make each slower. */
const AT_ONCE = 4;

export async function sourceInfos(workshop: Workshop): Promise<readonly CatalogSourceInfo[]> {
  return (await workshop.definitions()).flatMap(({ type, title, catalog }) =>
    catalog.kind === 'owned' ? [] : [{ name: type, title, kind: catalog.kind, credentials: catalog.credentials }],
  );
}

/** Each is kept as it comes; what one does wrong costs the others nothing. */
export async function collectSources(
  workshop: Workshop,
  names: readonly string[],
  options: CollectToolOptions = {},
): Promise<readonly CollectedReport[]> {
  const places: CredentialPlaces = { entries: await workshop.entries(), env: workshop.options.env };
  const chosen = names.length > 0 ? await named(workshop, names) : await possible(workshop, places);
  const catalog = await workshop.catalog();
  const market = Market.of(allOffers(catalog));
  const reports: CollectedReport[] = [];
  const waiting = [...chosen];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      reports.push(await collectOne(workshop, next, places, market, options));
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, chosen.length) }, work));
  return reports.sort((a, b) => (a.source < b.source ? -1 : 1));
}

async function collectOne(
  workshop: Workshop,
  definition: AnyBackendDefinition,
  places: CredentialPlaces,
  market: Market,
  { acceptMovedList = false }: CollectToolOptions,
): Promise<CollectedReport> {
  const { type } = definition;
  const { signal, http, now } = workshop;
  const began = now();
  try {
    const previous = (await workshop.catalog()).snapshot(type);
    const result = await collectSource(definition, {
      http,
      account: await accountFor(definition, places),
      now,
      signal,
      progress: (message) => workshop.options.progress(`${type}: ${message}`),
      previous,
      market,
      acceptMovedList,
    });
    const { collectedAt, report, blocked } = result;
    if (blocked !== null) {
      await workshop.store([{ name: type, ok: false, reason: blocked }]);
      return collectedReport(result);
    }
    const snapshot = encodeSnapshot(report.good, { source: type, collectedAt });
    const history = await historyWith(workshop, type, report.good, collectedAt);
    const stored = await workshop.store([
      { name: type, ok: true, snapshot, offers: report.good.length, collectedAt, ...history },
    ]);
    const [refused] = stored.failed;
    if (refused === undefined) return collectedReport(result);
    const complaint = { rule: 'store', message: `it was not kept: ${refused.reason}`, rows: null };
    const told = collectedReport(result);
    return { ...told, ok: false, complaints: [complaint, ...told.complaints] };
  } catch (error) {
    signal.throwIfAborted();
    const report = failedReport(type, error, now() - began);
    // A user's mistake is no news about the cloud.
    if (!(error instanceof BerthError)) {
      const reason = report.complaints[0]?.message ?? 'unknown';
      // What cannot even be written down is told all the same, and costs the other sources nothing.
      await workshop.store([{ name: type, ok: false, reason }]).catch((cause: unknown) => {
        signal.throwIfAborted();
        workshop.options.warn(`${type}: ${cause instanceof Error ? cause.message : String(cause)}`);
      });
    }
    return report;
  }
}

/** @throws BerthError `not-found` */
async function named(workshop: Workshop, names: readonly string[]): Promise<readonly AnyBackendDefinition[]> {
  const definitions = await workshop.definitions();
  return [...new Set(names)].map((name) => {
    const found = definitions.find(({ type }) => type === name);
    if (found !== undefined) return found;
    const types = definitions.map(({ type }) => type);
    const near = nearestWord(name, types);
    throw new BerthError('not-found', `There is no source \`${name}\`.`, {
      hint: near === null ? `Installed are ${types.join(', ')}.` : `Did you mean \`${near}\`?`,
    });
  });
}

/** Those that can be asked without more being said. */
async function possible(workshop: Workshop, places: CredentialPlaces): Promise<readonly AnyBackendDefinition[]> {
  const definitions = await workshop.definitions();
  const chosen = await Promise.all(
    definitions.map(async (definition) => {
      if (definition.catalog.kind === 'owned') return false;
      if (definition.catalog.credentials !== 'required') return true;
      return accountFor(definition, places).then(
        () => true,
        () => false,
      );
    }),
  );
  return definitions.filter((_, index) => chosen[index]);
}
