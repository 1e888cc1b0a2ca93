/** Starts the fake that a backend's folder ships, with proxies before it, in a folder that goes away. */
import { mkdtemp, readFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import type { Conformance, Fake } from './fake.ts';
import { FaultProxy } from './fault-proxy.ts';
import { stateDirOf } from './stage.ts';

export interface OpenedFake {
  readonly fake: Fake;
  readonly proxies: readonly FaultProxy[];
  close(): Promise<void>;
}

const Manifest = z.object({ berth: z.object({ conformance: z.string().optional() }).optional() });
const START_DEADLINE_MS = 60_000;

/** The conformance module of a backend's folder; text: why there is none. */
export async function conformanceOf(dir: string): Promise<Conformance | string> {
  const manifest = Manifest.safeParse(JSON.parse(await readFile(join(dir, 'package.json'), 'utf8')));
  const declared = manifest.data?.berth?.conformance;
  if (declared === undefined) return 'its package.json names no `berth.conformance`';
  const path = resolve(dir, declared);
  if (relative(dir, path).startsWith('..')) return `\`berth.conformance\` leads out of the package: "${declared}"`;
  try {
    const module = (await import(pathToFileURL(path).href)) as { readonly default?: unknown };
    if (isConformance(module.default)) return module.default;
    return `the default export of ${declared} has no \`start\``;
  } catch (error) {
    const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return `${declared} cannot be imported: ${message.split('\n')[0]}`;
  }
}

/** `dir`: of the whole check. @throws what the fake throws */
export async function openFake(conformance: Conformance, dir: string): Promise<OpenedFake> {
  const own = await mkdtemp(join(dir, 'fake-'));
  const proxies: FaultProxy[] = [];
  const front = async (url: string): Promise<string> => {
    const proxy = await FaultProxy.before(url);
    proxies.push(proxy);
    return proxy.url;
  };
  const closeProxies = async (): Promise<void> => {
    await Promise.all(proxies.map((proxy) => proxy.close()));
  };
  try {
    const fake = await inTime(conformance.start({ dir: own, stateDir: stateDirOf(dir), front }));
    return {
      fake,
      proxies,
      close: async () => {
        await closeProxies();
        await fake.close();
      },
    };
  } catch (error) {
    await closeProxies();
    throw error;
  }
}

async function inTime<T>(starting: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`it was not ready after ${START_DEADLINE_MS / 1000} s`)),
      START_DEADLINE_MS,
    );
  });
  try {
    return await Promise.race([starting, late]);
  } finally {
    clearTimeout(timer);
  }
}

function isConformance(value: unknown): value is Conformance {
  return typeof value === 'object' && value !== null && 'start' in value && typeof value.start === 'function';
}
