import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JobId } from '@berth/core/ids';
import { MetricsRing } from './ring.ts';

const job = (n: number): JobId => `job${n}` as JobId;

test('CPU use is the mean between two points, and unknown where it cannot be told', () => {
  const ring = new MetricsRing();
  const add = (at: number, cpuMs: number) => ring.add({ job: job(1), at, cpuMs, memoryBytes: at, gpus: [] });
  add(1000, 0);
  add(11_000, 5000);
  add(21_000, 25_000);
  add(20_000, 26_000);
  add(30_000, 10);
  assert.deepEqual(
    ring.points(job(1), 2).map(({ cpu_percent }) => cpu_percent),
    [null, 50, 200, null, null],
  );
  assert.deepEqual(ring.points(job(1), 2)[0], { at: 1000, node: 2, cpu_percent: null, memory_bytes: 1000, gpus: [] });
  assert.deepEqual(ring.points(job(2), 0), []);
});

test('an hour is kept of a job, and the jobs heard of lately', () => {
  const ring = new MetricsRing();
  const gpus = [{ device: '0', utilizationPercent: 90, memoryBytes: 5 }];
  for (let n = 0; n < 1000; n++) ring.add({ job: job(0), at: n * 10, cpuMs: n, memoryBytes: n, gpus });
  const points = ring.points(job(0), 0);
  assert.equal(points.length, 360);
  assert.equal(points[0]?.at, 6400);
  assert.equal(points.at(-1)?.memory_bytes, 999);
  assert.deepEqual(points.at(-1)?.gpus, [{ device: '0', utilization_percent: 90, memory_bytes: 5 }]);
  for (let n = 1; n <= 512; n++) ring.add({ job: job(n), at: 1, cpuMs: 0, memoryBytes: 0, gpus: [] });
  assert.equal(ring.points(job(0), 0).length, 0);
  assert.equal(ring.points(job(1), 0).length, 1);
  ring.remove([job(1)]);
  assert.equal(ring.points(job(1), 0).length, 0);
});
