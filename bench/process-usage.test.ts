import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuMs, residentMiB, watchMemory } from './process-usage.ts';

const skip = existsSync('/proc/self/schedstat') ? false : 'this system has no /proc';

test('CPU time is what was burnt, and sleeping costs next to none', { skip }, async () => {
  const before = cpuMs(process.pid);
  const { user } = process.cpuUsage();
  while (process.cpuUsage().user - user < 200_000) Math.sqrt(before);
  const burnt = cpuMs(process.pid) - before;
  assert.ok(burnt > 150, `${burnt} ms`);
  const rested = cpuMs(process.pid);
  await sleep(200);
  assert.ok(cpuMs(process.pid) - rested < 100);
});

test('resident memory is what Node says, and the watcher remembers the most of it', { skip }, async () => {
  assert.ok(Math.abs(residentMiB(process.pid) - process.memoryUsage.rss() / 2 ** 20) < 20);
  const before = residentMiB(process.pid);
  const watch = watchMemory(process.pid, 5);
  const block = Buffer.alloc(100 * 2 ** 20, 1);
  await sleep(50);
  assert.ok((await watch.stop()) > before + 90, `${block.length} bytes were not seen`);
});
