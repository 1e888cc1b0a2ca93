import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CollectedOffer } from '@berth/catalog';
import { boundedOffers, misfit } from './bounded-offers.ts';

const OFFER: CollectedOffer = {
  instanceType: 'host-1',
  region: 'somewhere',
  capacityType: 'on-demand',
  pricePerHour: 1.9,
  cpus: 16,
  memoryMiB: 64 * 1024,
};
const never = new AbortController().signal;

async function countOf(source: AsyncIterable<CollectedOffer>, signal: AbortSignal, most?: number): Promise<number> {
  let count = 0;
  for await (const _ of boundedOffers(source, { signal, ...(most === undefined ? {} : { most }) })) count++;
  return count;
}

async function* forEver() {
  for (;;) yield OFFER;
}

test('what ends is taken whole', async () => {
  async function* five() {
    for (let i = 0; i < 5; i++) yield OFFER;
  }
  assert.equal(await countOf(five(), never, 5), 5);
});

test('a source that hangs and does not heed its signal is left', async () => {
  async function* hanging() {
    yield OFFER;
    await new Promise(() => {});
  }
  const signal = AbortSignal.timeout(20);
  await assert.rejects(countOf(hanging(), signal), { name: 'TimeoutError' });
});

test('a source that yields for ever without waiting neither stops timers nor outlives its signal', async () => {
  const stop = new AbortController();
  setTimeout(() => stop.abort(new Error('enough')), 20);
  await assert.rejects(countOf(forEver(), stop.signal), /enough/);
});

test('a source that yields for ever is ended when it has more than any cloud', async () => {
  await assert.rejects(countOf(forEver(), never, 1_000), /more than 1000 offers/);
});

test('a source that is left is told to clean up', async () => {
  let cleaned = false;
  async function* careful() {
    try {
      for (;;) yield OFFER;
    } finally {
      cleaned = true;
    }
  }
  await assert.rejects(countOf(careful(), never, 3));
  await sleep(1);
  assert.ok(cleaned);
});

test('what is no offer is told apart from one, whatever its author promised', () => {
  const wrong = (given: unknown) => misfit(given as CollectedOffer); // what a module without types yields
  assert.equal(misfit({ ...OFFER, accelerator: { label: 'H100', count: 1 } }), null);
  for (const given of [null, undefined, 5, 'x', [], {}, { ...OFFER, region: 5 }, { ...OFFER, capacityType: 'cheap' }]) {
    assert.notEqual(wrong(given), null, String(given));
  }
  assert.match(wrong({ ...OFFER, accelerator: 'H100' }) ?? '', /no label/);
  assert.match(wrong({ ...OFFER, flags: 'x' }) ?? '', /flags/);
});
