/**
 * Collects one cloud's prices with that cloud's credentials and no others. `SECRETS` is everything that the
 * workflow may see, as JSON; of it, `CATALOG_<TYPE>_<FIELD>` reaches `berth catalog collect`, and only for its
 * own type: so a new cloud needs no line in the workflow, and a source cannot read its neighbour's keys.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** Names of secrets that are the workflow's own, whatever a cloud is called. */
const OWN: ReadonlySet<string> = new Set(['CATALOG_KEY', 'CATALOG_AUTHORIZATION']);

export function credentialsOf(source: string, secrets: Readonly<Record<string, string>>): Record<string, string> {
  const prefix = `CATALOG_${source.toUpperCase().replaceAll('-', '_')}_`;
  const own = Object.entries(secrets).filter(([name]) => name.startsWith(prefix) && !OWN.has(name));
  return Object.fromEntries(own.map(([name, value]) => [`BERTH_${name}`, value]));
}

if (import.meta.main) {
  const [source] = process.argv.slice(2);
  if (source === undefined) throw new Error('usage: collect-with-secrets.ts SOURCE');
  const { SECRETS = '{}', ...rest } = process.env;
  const env = { ...rest, ...credentialsOf(source, JSON.parse(SECRETS) as Record<string, string>) }; // GitHub's own JSON
  const berth = join(import.meta.dirname, '..', 'node_modules', '.bin', 'berth');
  const { status } = spawnSync(berth, ['catalog', 'collect', source], { env, stdio: 'inherit' });
  process.exit(status ?? 1);
}
