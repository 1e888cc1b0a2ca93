/**
 * Why nothing passes: each filter is left out once, and tried alone. A query takes under a millisecond, but one
 * with two hundred patterns in each filter takes many, and then others have their turn in between.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { AcceleratorFilter, CatalogFilter, CatalogOffer } from '@berth/catalog';
import type { Answering } from './answering.ts';

export interface Obstacle {
  /** Its name in the request: `regions`, `gpu.count`; several are joined with ` + `. */
  readonly filter: string;
  readonly totalWithout: number;
  readonly totalAlone: number;
  readonly cheapestWithout: CatalogOffer | null;
}

/** Fields that mean nothing without another one. */
const MODIFIERS: ReadonlySet<string> = new Set(['unknownDisk']);

/** Those without which the most would pass come first; then those that the fewest pass. */
export async function findObstacles(catalog: Answering, filter: CatalogFilter): Promise<readonly Obstacle[]> {
  const parts = partsOf(filter);
  const obstacles: Obstacle[] = [];
  for (const { name, without, alone } of parts) {
    const rest = catalog.query({ ...without, limit: 1 });
    await turn();
    obstacles.push({
      filter: name,
      totalWithout: rest.total,
      totalAlone: catalog.query({ ...alone, limit: 1 }).total,
      cheapestWithout: rest.offers[0] ?? null,
    });
    await turn();
  }
  obstacles.sort((a, b) => b.totalWithout - a.totalWithout || a.totalAlone - b.totalAlone);
  // Where no filter alone is to blame, the hardest ones are together.
  const together = obstacles.some(({ totalWithout }) => totalWithout > 0)
    ? null
    : await hardestTogether(catalog, obstacles, filter);
  return together === null ? obstacles : [together, ...obstacles];
}

/** The fewest of the hardest filters without which something passes; null: there is nothing at all. */
async function hardestTogether(
  catalog: Answering,
  obstacles: readonly Obstacle[],
  filter: CatalogFilter,
): Promise<Obstacle | null> {
  let rest = filter;
  const left: string[] = [];
  for (const { filter: name, totalAlone } of obstacles) {
    rest = partsOf(rest).find((part) => part.name === name)?.without ?? rest;
    left.push(name);
    const { total, offers } = catalog.query({ ...rest, limit: 1 });
    await turn();
    if (total > 0) {
      return { filter: left.join(' + '), totalWithout: total, totalAlone, cheapestWithout: offers[0] ?? null };
    }
  }
  return null;
}

interface Part {
  readonly name: string;
  readonly without: CatalogFilter;
  readonly alone: CatalogFilter;
}

function partsOf(filter: CatalogFilter): Part[] {
  const { accelerator = {}, ...rest } = filter;
  const plain = keysOf(rest)
    .filter((key) => !MODIFIERS.has(key))
    .map((key): Part => {
      const { [key]: value, ...others } = filter;
      const modifier = key === 'diskMiB' && filter.unknownDisk !== undefined ? { unknownDisk: filter.unknownDisk } : {};
      return { name: inRequest(key), without: others, alone: { [key]: value, ...modifier } };
    });
  const devices = keysOf(accelerator).map((key): Part => {
    const { [key]: value, ...others } = accelerator;
    const left: AcceleratorFilter = others;
    const { accelerator: _all, ...elsewhere } = filter;
    return {
      name: `gpu.${inRequest(key)}`,
      without: keysOf(left).length === 0 ? elsewhere : { ...elsewhere, accelerator: left },
      alone: { accelerator: { [key]: value } },
    };
  });
  return [...plain, ...devices];
}

function keysOf<T extends object>(value: T): (keyof T & string)[] {
  return (Object.keys(value) as (keyof T & string)[]).filter((key) => value[key] !== undefined); // of a plain object
}

/** `memoryMiB` is `memory_mib` in requests. */
function inRequest(key: string): string {
  return key.replace('MiB', '_mib').replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
