/** A real account to check a backend on: whose it is, what it may cost, and what earlier checks left on it. */
import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import {
  type AnyBackendDefinition,
  type BackendEntry,
  type ConfiguredBackend,
  configureBackend,
  parseBackendEntry,
} from '@berth/backend';
import { Journal } from '@berth/backend/conformance/journal';
import type { LiveAccount } from '@berth/backend/conformance/live-account';
import { Purse } from '@berth/backend/conformance/purse';
import { removeLeftovers } from '@berth/backend/conformance/remove-leftovers';
import type { BackendToolOptions, LiveOptions } from '@berth/core/backend-tool';
import { BerthError } from '@berth/core/errors';
import { loadCatalog } from '../../catalog/load-catalog.ts';
import { offersFor } from '../../catalog/market-offers.ts';
import { catalogPlaces } from '../../catalog/places.ts';
import { readServerConfig } from '../../config/config-file.ts';
import { homeAt } from '../../config/home.ts';

/** Of the time that is allowed; what is left is for removing what was made. */
const WORK_SHARE = 0.8;

/** How long checks may begin and go on, in ms. */
export function workMs({ maxTimeMs }: LiveOptions): number {
  return maxTimeMs * WORK_SHARE;
}

/** First removes what earlier checks left: their machines count against quotas, and cost money. */
export async function openAccount(
  tool: BackendToolOptions,
  definition: AnyBackendDefinition,
  options: LiveOptions,
): Promise<LiveAccount> {
  const removed = await cleanAccount(tool, definition, options);
  if (removed.length > 0) tool.warn(`an earlier check had left ${removed.join(', ')}; removed`);
  const entry = await entryOf(tool, definition, options);
  const dir = checksDir(tool);
  return {
    entry,
    offers: await offersOf(tool, definition),
    installation: await installationOf(dir),
    purse: new Purse({ maxSpend: options.maxSpend, maxTimeMs: workMs(options), now: Date.now }),
    journal: await Journal.begin(dir, { type: definition.type, backend: entry.name }),
  };
}

/** Terminates everything that checks of this home ever made on the account. Resolves with the machines' names. */
export async function cleanAccount(
  tool: BackendToolOptions,
  definition: AnyBackendDefinition,
  options: LiveOptions,
): Promise<readonly string[]> {
  const entry = await entryOf(tool, definition, options);
  const dir = checksDir(tool);
  const installation = await installationOf(dir);
  const backend = await configured(tool, definition, entry, installation);
  return await removeLeftovers({
    dir,
    type: definition.type,
    backend,
    listLagMs: definition.limits?.listLagMs ?? 30_000,
    signal: tool.signal,
    progress: tool.progress,
  });
}

async function configured(
  tool: BackendToolOptions,
  definition: AnyBackendDefinition,
  entry: BackendEntry,
  installation: string,
): Promise<ConfiguredBackend> {
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const clock = { now: Date.now };
  const stateDir = join(checksDir(tool), 'state', definition.type);
  return await configureBackend(
    definition,
    entry,
    { installation, stateDir, clock, random: randomBytes, log },
    tool.signal,
  );
}

function checksDir({ home }: BackendToolOptions): string {
  return join(home, 'checks');
}

/** One of the checks alone, the same for ever: the server's own machines are never looked at. */
async function installationOf(dir: string): Promise<string> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const path = join(dir, 'installation');
  const beside = `${path}.${process.pid}`;
  await writeFile(beside, `${randomBytes(6).toString('hex')}\n`, { mode: 0o600, flush: true });
  // Who was first is right; the others read what it wrote.
  await link(beside, path).catch(() => {});
  await rm(beside, { force: true });
  return (await readFile(path, 'utf8')).trim();
}

/** From the file that is named, from the environment, or from the server's config.yml, in this order. */
async function entryOf(
  tool: BackendToolOptions,
  definition: AnyBackendDefinition,
  { entryFile }: LiveOptions,
): Promise<BackendEntry> {
  const { type } = definition;
  const fromEnv = entryFile === null ? await entryOfEnv(tool, definition) : null;
  if (fromEnv !== null) return fromEnv;
  const path = entryFile === null ? homeAt(tool.home).serverConfig : resolve(tool.cwd, entryFile);
  const { projects } = await readServerConfig(path);
  const entry = (projects ?? []).flatMap(({ backends }) => backends).find((one) => one.type === type);
  if (entry !== undefined) return entry;
  if (Object.hasOwn(definition.credentials, 'default')) {
    return { name: type, type, config: {}, credentials: { kind: 'default', value: null } };
  }
  throw new BerthError('invalid-configuration', `There is no account of ${definition.title} to check.`, {
    hint: `Name a backend of type ${type} in ${path}, or set ${prefixOf(type)}<FIELD> for each field of its credentials.`,
  });
}

/** A kind of credentials is meant when its schema takes the fields that are set. */
async function entryOfEnv(tool: BackendToolOptions, definition: AnyBackendDefinition): Promise<BackendEntry | null> {
  const { type } = definition;
  const prefix = prefixOf(type);
  const value = Object.fromEntries(
    Object.entries(tool.env).flatMap(([name, text]) =>
      name.startsWith(prefix) && text ? [[name.slice(prefix.length).toLowerCase(), text] as const] : [],
    ),
  );
  if (Object.keys(value).length === 0) return null;
  let refusal: unknown = null;
  for (const kind of Object.keys(definition.credentials)) {
    const entry = { name: type, type, config: {}, credentials: { kind, value } };
    try {
      await parseBackendEntry(definition, entry);
      return entry;
    } catch (error) {
      refusal ??= error;
    }
  }
  throw refusal;
}

function prefixOf(type: string): string {
  return `BERTH_CHECK_${type.toUpperCase().replaceAll('-', '_')}_`;
}

/** From the catalog of this machine; null: there is none of this cloud, and the backend is asked. */
async function offersOf(tool: BackendToolOptions, definition: AnyBackendDefinition) {
  if (definition.catalog.kind === 'owned') return null;
  const places = catalogPlaces(homeAt(tool.home).catalog);
  const { catalog } = await loadCatalog(places, { now: Date.now, signal: tool.signal });
  const offers = offersFor(catalog, definition.type, null);
  return offers.length === 0 ? null : offers;
}
