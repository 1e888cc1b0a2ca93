import { pull } from '@berth/catalog/pull';
import { parsePublicKey } from '@berth/catalog/signature';
import type { PullToolOptions, PullToolReport } from '@berth/core/catalog-tool';
import { BerthError } from '@berth/core/errors';
import { keepPulled, pulledPlace, pulledPlaces, tellChanged } from '../places.ts';
import type { Workshop } from './workshop.ts';

/** @throws BerthError `invalid-request` when nobody says from where, or the place is never asked */
export async function pullCatalogs(
  workshop: Workshop,
  from: string | null,
  options: PullToolOptions,
): Promise<readonly PullToolReport[]> {
  const { catalog } = await workshop.config();
  const bases = from === null ? catalog.urls : [from];
  if (bases.length === 0) {
    throw new BerthError('invalid-request', 'Nobody said from where to pull a catalog.', {
      hint: `Name a place, or write \`catalog: { url: … }\` into ${workshop.home.serverConfig}.`,
    });
  }
  const reports: PullToolReport[] = [];
  for (const base of bases) reports.push(await pullOne(workshop, base, options.publicKey ?? catalog.publicKey));
  if (reports.some(({ state }) => state === 'updated')) await tellChanged(workshop.places, workshop.now());
  return reports;
}

async function pullOne(workshop: Workshop, given: string, publicKey: string | null): Promise<PullToolReport> {
  // The same folder by two names is one place.
  const base = /^[a-z][a-z0-9+.-]*:\/\//i.test(given) ? given.replace(/\/+$/, '') : workshop.at(given);
  const known = (await pulledPlaces(workshop.places)).find((place) => place.base === base);
  const key = publicKey === null ? null : parsePublicKey(publicKey);
  // Who named a key once need not name it again.
  const place = key === null && known !== undefined ? known : pulledPlace(workshop.places, base, key);
  workshop.options.progress(`pulling from ${base}`);
  const { http, now, signal } = workshop;
  const result = await pull({ base, trust: place.trust, dir: place.dir, http, now, signal });
  if (result.state !== 'failed') await keepPulled(workshop.places, place);
  return {
    from: base,
    state: result.state,
    version: result.manifest?.version ?? null,
    changed: result.changed.map(({ name }) => name),
    removed: [...result.removed],
    problems: result.problems.map(({ source, reason }) => ({ source, reason })),
  };
}
