import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApi } from './api.ts';
import type { MachineReport } from './cloud.ts';
import { Cloud } from './cloud.ts';
import type { FaultOrder, FaultReport } from './fault.ts';
import { faultSchema, isCallFault } from './fault.ts';
import type { CloudOptions } from './options.ts';
import { DEFAULTS } from './options.ts';

export type { MachineReport } from './cloud.ts';
export type { FaultOrder, FaultReport } from './fault.ts';

export interface FluffyCloud {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly adminToken: string;
  readonly dataDir: string;
  /** A new key of the account. */
  createKey(options?: { readonly name?: string; readonly readOnly?: boolean; readonly expiresInMs?: number }): string;
  /** Arms faults or changes the world: see API.md. @throws if an order is not well-formed */
  faults(...orders: readonly FaultOrder[]): void;
  disarm(): void;
  /** What is armed, and how many calls of which operation came. */
  faultReport(): FaultReport;
  /** What exists and what is billed, as GET /admin/machines. */
  machines(options?: { readonly all?: boolean }): Promise<readonly MachineReport[]>;
  /** Ends the API; machines and data stay for another start with the same `dataDir`. */
  stop(): Promise<void>;
  /** Ends everything and removes it, a data directory that was made by `startFluffyCloud` too. */
  close(): Promise<void>;
  /** Resolves when `stop`, `close` or `DELETE /admin` is done. */
  readonly ended: Promise<void>;
}

/** Starts the cloud in this process. Options that are not given are those of `DEFAULTS`; without a `dataDir` it gets a temporary one. */
export async function startFluffyCloud(options: Partial<CloudOptions> = {}): Promise<FluffyCloud> {
  const ownDir = options.dataDir === undefined ? mkdtempSync(join(tmpdir(), 'fluffy-')) : null;
  const given: CloudOptions = { ...DEFAULTS, ...options, dataDir: options.dataDir ?? ownDir ?? '' };
  const cloud = new Cloud(given);
  const ended = Promise.withResolvers<void>();
  let ending: Promise<void> | undefined;

  const end = (finish: () => Promise<void>): Promise<void> => {
    ending ??= finish().then(() => {
      server.close(() => ended.resolve());
      // After the answer to whoever asked for the end.
      setImmediate(() => setTimeout(() => server.closeAllConnections(), 20));
      return ended.promise;
    });
    return ending;
  };
  const destroy = async (): Promise<void> => {
    await cloud.destroy();
    if (ownDir !== null) rmSync(ownDir, { recursive: true, force: true });
  };
  // The caller's answer must go out first, so its handler waits for the work, not for the server's end.
  const destroyFromApi = async (): Promise<void> => {
    const done = destroy();
    void end(() => done);
    await done;
  };

  const api = createApi(cloud, destroyFromApi);
  const server = createServer((request, response) => void api(request, response));
  try {
    await cloud.lifecycle.begin();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(given.port, '127.0.0.1', resolve);
    });
  } catch (error) {
    await cloud.end();
    if (ownDir !== null) rmSync(ownDir, { recursive: true, force: true });
    throw error;
  }

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    adminToken: cloud.adminToken,
    dataDir: given.dataDir,
    createKey: ({ name = 'test', readOnly = false, expiresInMs } = {}) => {
      const now = Date.now();
      return cloud.keys.create({ name, readOnly, expiresAt: expiresInMs === undefined ? null : now + expiresInMs }, now)
        .key;
    },
    faults: (...orders) => {
      for (const order of orders) {
        const fault = faultSchema.parse(order);
        if (isCallFault(fault)) cloud.faults.arm(fault);
        else cloud.change(fault);
      }
    },
    disarm: () => cloud.faults.disarm(),
    faultReport: () => cloud.faults.toJson(),
    machines: ({ all = false } = {}) => cloud.report(all),
    stop: () => end(() => cloud.end()),
    close: () => end(destroy),
    ended: ended.promise,
  };
}
