import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineBackend, offline } from '@berth/backend';
import type { CollectContext, CollectedOffer } from '@berth/catalog';
import { realHttp } from '@berth/http/real-http';
import { z } from 'zod';
import { collectSource } from './collect-source.ts';

const OFFER: CollectedOffer = {
  instanceType: 'host-1',
  region: 'somewhere',
  capacityType: 'on-demand',
  pricePerHour: 1.9,
  cpus: 16,
  memoryMiB: 64 * 1024,
};

function collecting(
  collect: (context: CollectContext<unknown>) => AsyncIterable<CollectedOffer>,
  more: { readonly signal?: AbortSignal; readonly deadlineMs?: number } = {},
) {
  const definition = defineBackend({
    type: 'bazaar',
    title: 'Bazaar',
    kind: 'container',
    credentials: { default: z.strictObject({}) },
    config: z.strictObject({}),
    catalog: offline<unknown>({ credentials: 'none', rules: [], collect }),
  });
  return collectSource(definition, {
    http: realHttp(),
    account: { credentials: null, config: null },
    now: () => 0,
    signal: new AbortController().signal,
    progress: () => {},
    previous: null,
    market: null,
    ...more,
  });
}

test('a source that never ends is given up at its deadline, which is told', async () => {
  const hanging = collecting(
    async function* () {
      await new Promise(() => {});
      yield OFFER;
    },
    { deadlineMs: 30 },
  );
  await assert.rejects(hanging, /it was not done within 0.03 s/);
});

test('who does not want it any more need not wait for a source that does not heed its signal', async () => {
  const stop = new AbortController();
  const hanging = collecting(
    async function* () {
      stop.abort(new Error('Ctrl-C'));
      await new Promise(() => {});
      yield OFFER;
    },
    { signal: stop.signal },
  );
  await assert.rejects(hanging, /Ctrl-C/);
});

test('what is no offer is left out and counted, and costs the others nothing', async () => {
  const { report, skipped } = await collecting(async function* () {
    yield OFFER;
    yield null as unknown as CollectedOffer; // a module without types
    yield { ...OFFER, instanceType: Symbol('x') } as unknown as CollectedOffer;
    yield null as unknown as CollectedOffer;
  });
  assert.equal(report.good.length, 1);
  assert.deepEqual(
    skipped.map(({ times, reason }) => [times, reason]),
    [
      [2, 'it is no offer'],
      [1, 'its instance type is no text'],
    ],
  );
});

test('ten thousand notes, and notes as long as a page, stay few and short', async () => {
  const { skipped } = await collecting(async function* ({ log }) {
    for (let i = 0; i < 10_000; i++) log.skipped(`type ${i} ${'x'.repeat(10_000)}`, 'it has no price');
    yield OFFER;
  });
  assert.equal(skipped.length, 201);
  assert.equal(skipped.at(-1)?.times, 9_800);
  assert.ok(JSON.stringify(skipped).length < 100_000);
});
