/** Removes what checks of a real account made and could not remove: by their journals, and by what is listed. */
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Call, InstanceRef } from '../contract.ts';
import type { ConfiguredBackend } from '../registry.ts';
import { journals } from './journal.ts';

export interface LeftoverOptions {
  /** Where the journals lie. */
  readonly dir: string;
  readonly type: string;
  /** Configured with the installation of the checks, so that it lists nothing else. */
  readonly backend: ConfiguredBackend;
  /** How late new machines may be listed. */
  readonly listLagMs: number;
  readonly signal: AbortSignal;
  readonly progress: (message: string) => void;
}

/** Clouds take minutes to end a machine; what is not gone by then stays in the journal. */
const PATIENCE_MS = 10 * 60_000;
const POLL_MS = 3_000;

/** Resolves with the names of the machines that are gone. @throws BackendError when the account cannot be asked */
export async function removeLeftovers(options: LeftoverOptions): Promise<readonly string[]> {
  const { dir, type, backend, signal, listLagMs, progress } = options;
  const all = await journals(dir, type);
  const old = all.filter(({ isAlive }) => !isAlive);
  // Another check may be at work at this moment: what it made is its own.
  const others = new Set(
    all.filter(({ isAlive }) => isAlive).flatMap(({ machines }) => machines.map(({ token }) => token)),
  );
  const { compute } = backend;
  const quiet = (): void => {};
  const call: Call = { signal, log: { debug: quiet, info: quiet, warn: quiet, error: quiet } };

  const wanted = new Map<string, InstanceRef & { readonly name: string }>();
  const known = old.flatMap(({ machines }) => machines);
  for (const { token, name, region, zone, cloudIds } of known) {
    for (const cloudId of cloudIds) wanted.set(cloudId, { cloudId, token, name, region, zone });
  }
  const look = async (): Promise<readonly string[]> => {
    const listed = (await compute.list(call)).filter(
      ({ token, state }) => state !== 'terminated' && (token === null || !others.has(token)),
    );
    for (const { cloudId, token, name, region, zone } of listed) {
      wanted.set(cloudId, { cloudId, token: token ?? '', name, region, zone });
    }
    return listed.map(({ cloudId }) => cloudId);
  };

  let left = await look();
  for (const ref of wanted.values()) {
    progress(`removing ${ref.name}`);
    await compute.terminate(ref, call);
  }
  // A machine whose `create` was cut off may be listed only now.
  if (old.length > 0 && listLagMs > 0) await sleep(listLagMs, undefined, { signal });
  const end = Date.now() + PATIENCE_MS;
  for (left = await look(); left.length > 0 && Date.now() < end; left = await look()) {
    progress(`waiting for ${left.length} machines to go`);
    for (const cloudId of left) {
      const ref = wanted.get(cloudId);
      if (ref !== undefined) await compute.terminate(ref, call);
    }
    await sleep(POLL_MS, undefined, { signal });
  }
  const { bootstrap } = compute;
  for (const region of left.length > 0 ? [] : new Set(old.flatMap(({ regions }) => regions))) {
    progress(`removing what machines in ${region} shared`);
    if (bootstrap?.whenUnused === 'remove') await bootstrap.remove(region, await bootstrap.ensure(region, call), call);
  }
  if (left.length === 0) await Promise.all(old.map(({ path }) => rm(path, { force: true })));
  return [...wanted.values()].filter(({ cloudId }) => !left.includes(cloudId)).map(({ name }) => name);
}
