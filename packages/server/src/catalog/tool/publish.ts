import type { CollectedSource, PublishTarget } from '@berth/catalog';
import { publish } from '@berth/catalog/publish';
import { directoryTarget, httpTarget } from '@berth/catalog/publish-target';
import { loadCached, loadCachedHistory } from '@berth/catalog/pull-load';
import { readPrivateKey, readSigner, type Signer } from '@berth/catalog/signature';
import type { PublishToolOptions, PublishToolReport } from '@berth/core/catalog-tool';
import { BerthError } from '@berth/core/errors';
import { patiently } from './patiently.ts';
import type { Workshop } from './workshop.ts';

/** Each of them sends files over a network. */
const LONGEST_PAUSE_MS = 4_000;

/** Publishes what was collected; a source whose last collecting failed keeps what is published of it. */
export async function publishCollected(
  workshop: Workshop,
  to: string,
  options: PublishToolOptions,
): Promise<PublishToolReport> {
  const signer = await signerOf(workshop, options.key);
  const sources = await collectedSources(workshop, options.sources);
  const target = targetOf(workshop, to);
  if (signer === null && target.isRemote) {
    throw new BerthError('invalid-request', 'A catalog on the network must be signed: nobody would take it.', {
      hint: 'Make a key with `berth catalog keygen`, and name it with --key or in BERTH_CATALOG_KEY.',
    });
  }
  workshop.options.progress(`publishing to ${target.target.name}`);
  const report = await patiently(workshop.signal, LONGEST_PAUSE_MS, () =>
    publish({ target: target.target, signer, now: workshop.now, signal: workshop.signal }, sources),
  );
  return {
    version: report.manifest.version,
    published: [...report.published],
    failed: report.failed.map(({ source, reason }) => ({ source, reason })),
    signed: signer !== null,
  };
}

/** @throws BerthError `invalid-request` */
async function signerOf(workshop: Workshop, file: string | null): Promise<Signer | null> {
  if (file !== null) return await readPrivateKey(workshop.at(file));
  const pem = workshop.options.env.BERTH_CATALOG_KEY;
  return pem === undefined || pem.trim() === '' ? null : readSigner(pem);
}

function targetOf(workshop: Workshop, to: string): { readonly target: PublishTarget; readonly isRemote: boolean } {
  if (!/^https?:\/\//i.test(to)) return { target: directoryTarget(workshop.at(to), workshop.now), isRemote: false };
  const authorization = workshop.options.env.BERTH_CATALOG_AUTHORIZATION;
  const headers = authorization ? { headers: { authorization } } : {};
  return { target: httpTarget({ base: to, http: workshop.http, ...headers }), isRemote: true };
}

/** @throws BerthError `not-found` when something that is named was not collected */
async function collectedSources(workshop: Workshop, names: readonly string[]): Promise<readonly CollectedSource[]> {
  const { manifest, sources } = await loadCached(workshop.places.collected, 'unsigned');
  const entries = manifest?.sources ?? [];
  const missing = names.find((name) => !entries.some((entry) => entry.name === name));
  if (missing !== undefined || entries.length === 0) {
    const what = missing === undefined ? 'Nothing was collected' : `\`${missing}\` was not collected`;
    throw new BerthError('not-found', `${what} on this machine, so there is nothing to publish.`, {
      hint: 'Run `berth catalog collect` or `berth catalog import` first.',
    });
  }
  const chosen = names.length === 0 ? entries : entries.filter(({ name }) => names.includes(name));
  return await Promise.all(
    chosen.map(async ({ name, failure }): Promise<CollectedSource> => {
      if (failure !== null) return { name, ok: false, reason: failure.reason };
      const found = sources.find((source) => source.name === name);
      if (found === undefined) return { name, ok: false, reason: 'its files on this machine are damaged' };
      const history = await loadCachedHistory(workshop.places.collected, 'unsigned', name);
      const { offers, collectedAt } = found.published;
      const { snapshot } = found;
      return { name, ok: true, snapshot, offers, collectedAt, ...(history === null ? {} : { history }) };
    }),
  );
}
