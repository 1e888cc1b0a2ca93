import type { Life } from './life.ts';
import type { World } from './world.ts';

const held = new WeakMap<Life, Set<() => void>>();

/** A server is stopped, or cut off from its store, for a while. */
export function hold(world: World, life: Life, how: 'pause' | 'cut-off', forMs: number): void {
  if (how === 'pause') life.pause();
  else life.cutOff(true);
  const release = (): void => {
    held.get(life)?.delete(release);
    if (how === 'pause') life.resume();
    else life.cutOff(false);
  };
  held.set(life, (held.get(life) ?? new Set()).add(release));
  world.clock.after(forMs, release);
}

/** Now, and not when its time is over. */
export function release(life: Life): void {
  for (const one of [...(held.get(life) ?? [])]) one();
}
