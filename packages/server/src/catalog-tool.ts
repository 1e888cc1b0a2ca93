/**
 * The catalog of this machine as a tool: what the command line has done with it, without a server. An entry of
 * its own, built together with server and backends, so that all of them know each other's classes.
 */
import { realpath } from 'node:fs/promises';
import { generateKeyPair, writePrivateKey } from '@berth/catalog/signature';
import type { CatalogTool, CatalogToolModule, CatalogToolOptions } from '@berth/core/catalog-tool';
import { offersAnswer, parseQuery, queryOf, statusAnswer } from './catalog/answers.ts';
import { historyOf } from './catalog/history.ts';
import { checkSources } from './catalog/tool/check.ts';
import { collectSources, sourceInfos } from './catalog/tool/collect.ts';
import { diffCatalogs } from './catalog/tool/diff.ts';
import { drawHistory } from './catalog/tool/draw-history.ts';
import { exportCsv } from './catalog/tool/export.ts';
import { importCsv } from './catalog/tool/import.ts';
import { publishCollected } from './catalog/tool/publish.ts';
import { pullCatalogs } from './catalog/tool/pull.ts';
import { removeSources } from './catalog/tool/remove.ts';
import { Workshop } from './catalog/tool/workshop.ts';

export async function openCatalogTool(options: CatalogToolOptions): Promise<CatalogTool> {
  const workshop = new Workshop(options);
  return {
    sources: () => sourceInfos(workshop),
    collect: (names, how) => collectSources(workshop, names, how),
    check: (names) => checkSources(workshop, names),
    diff: (before, after) => diffCatalogs(workshop, before, after),
    publish: (to, how) => publishCollected(workshop, to, how),
    pull: (from, how) => pullCatalogs(workshop, from, how),
    import: (file, how) => importCsv(workshop, file, how),
    remove: (names) => removeSources(workshop, names),
    export: (file, how) => exportCsv(workshop, file, how),
    history: (gpu, how) => historyOf(workshop.places, gpu, how),
    drawHistory,
    async status() {
      const [{ catalog: config }, catalog] = await Promise.all([workshop.config(), workshop.catalog()]);
      const url = config.urls.length === 0 ? null : config.urls.join(', ');
      return statusAnswer(catalog, { url, refreshedAt: null, nextRefreshAt: null });
    },
    async query(body) {
      const catalog = await workshop.catalog();
      return await offersAnswer(catalog, queryOf(catalog, parseQuery(body)));
    },
    async keygen(file) {
      const { privateKey, publicKey, keyId } = generateKeyPair();
      const path = workshop.at(file);
      await writePrivateKey(path, privateKey);
      return { file: await realpath(path), publicKey, keyId };
    },
  };
}

/** That this is what the command line expects. */
export default { openCatalogTool } satisfies CatalogToolModule;
