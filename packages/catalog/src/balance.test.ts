import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { balance, type ResourcePool } from './balance.ts';

const GIB = 1024;
const PRICES = { gpu: 1, cpu: 0.01, memoryGib: 0.005, diskGib: 0.0001 };
const A100_HOST: ResourcePool = {
  gpus: 4,
  gpuMemoryMiB: 80 * GIB,
  cpus: 128,
  memoryMiB: 1024 * GIB,
  diskMiB: 8000 * GIB,
};

test('a device gets twice its memory, a vCPU for 6 GiB, and a disk that holds the memory', () => {
  const [one] = balance(A100_HOST, PRICES).shapes;
  // 1 + 28 × 0.01 + 160 × 0.005 + 160 × 0.0001
  assert.deepEqual(one, { gpus: 1, cpus: 28, memoryMiB: 160 * GIB, diskMiB: 160 * GIB, pricePerHour: 2.096 });
});

test('every number of free devices is an offer', () => {
  assert.deepEqual(
    balance(A100_HOST, PRICES).shapes.map(({ gpus }) => gpus),
    [1, 2, 3, 4],
  );
});

test('an A100 with 1 GB of memory is not offered, and the reason is told', () => {
  const { shapes, unbalanced } = balance({ ...A100_HOST, gpus: 1, memoryMiB: GIB }, PRICES);
  assert.deepEqual(shapes, []);
  assert.deepEqual(unbalanced, [{ gpus: 1, reason: '0 GiB of memory for 1 GPUs are too little' }]);
});

test('a small host gives its share, no more: the other devices can still be sold', () => {
  const { shapes } = balance({ ...A100_HOST, memoryMiB: 256 * GIB }, PRICES);
  assert.equal(shapes[0]?.memoryMiB, 64 * GIB);
  assert.equal(shapes[3]?.memoryMiB, 256 * GIB);
});

test('what is asked for at least is had even beyond the share', () => {
  const asked = { memoryMiB: 200 * GIB, cpus: 50, diskMiB: 500 * GIB };
  const [one] = balance({ ...A100_HOST, memoryMiB: 256 * GIB }, PRICES, asked).shapes;
  assert.deepEqual(
    { cpus: one?.cpus, memoryMiB: one?.memoryMiB, diskMiB: one?.diskMiB },
    { cpus: 50, memoryMiB: 200 * GIB, diskMiB: 500 * GIB },
  );
});

test('what no host has is no offer', () => {
  assert.deepEqual(balance(A100_HOST, PRICES, { cpus: 130 }).shapes, []);
});

test('no shape has more than the host, less than was asked, or a price below its devices', () => {
  const pools = fc.record({
    gpus: fc.integer({ min: 0, max: 16 }),
    gpuMemoryMiB: fc.option(fc.integer({ min: 1, max: 300 * GIB })),
    cpus: fc.integer({ min: 0, max: 512 }),
    memoryMiB: fc.integer({ min: 0, max: 4096 * GIB }),
    diskMiB: fc.integer({ min: 0, max: 20_000 * GIB }),
  });
  const asked = fc.record({ cpus: fc.integer({ min: 0, max: 64 }), memoryMiB: fc.integer({ min: 0, max: 512 * GIB }) });
  fc.assert(
    fc.property(pools, asked, (pool, least) => {
      const { shapes, unbalanced } = balance(pool, PRICES, least);
      assert.equal(shapes.length + unbalanced.length, pool.gpus);
      for (const shape of shapes) {
        assert.ok(shape.cpus <= pool.cpus && shape.memoryMiB <= pool.memoryMiB && shape.diskMiB <= pool.diskMiB);
        assert.ok(shape.cpus >= Math.max(least.cpus, shape.gpus) && shape.memoryMiB >= least.memoryMiB);
        assert.ok(shape.memoryMiB >= shape.gpus * 4 * GIB);
        assert.ok(shape.pricePerHour >= shape.gpus * PRICES.gpu);
      }
    }),
  );
});
