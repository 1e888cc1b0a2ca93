import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FormFactor } from '@berth/core/accelerator';
import { Catalog } from './catalog.ts';
import type { CollectedAccelerator } from './collected-offer.ts';
import { decodeSnapshot, encodeSnapshot } from './snapshot.ts';
import { testOffer } from './testing/offers.ts';

const GIB = 1024;
const START = 1_700_000_000_000;

/** The same chips in one cloud each, as that cloud spells them; prices are what tells them apart below. */
const DEVICES: readonly (readonly [backend: string, price: number, device: Omit<CollectedAccelerator, 'count'>])[] = [
  ['runpod', 2.7, { label: 'H100 SXM' }],
  ['runpod', 2.0, { label: 'H100 PCIe' }],
  ['runpod', 2.6, { label: 'H100 NVL' }],
  ['vastai', 1.9, { label: 'H100 PCIE', memoryMiB: 81_559 }],
  ['lambda', 3.3, { label: 'H100 (80 GB SXM5)' }],
  ['azure', 7.0, { label: 'H100 NVL', memoryMiB: 94 * GIB }],
  ['aws', 6.9, { label: 'H100', memoryMiB: 80 * GIB, formFactor: 'SXM' }],
  ['digitalocean', 3.4, { label: 'nvidia_h100', memoryMiB: 80 * GIB }],
  ['crusoe', 2.3, { label: 'A100-SXM-80GB' }],
  ['crusoe', 2.1, { label: 'A100-PCIe-80GB' }],
];

const offers = DEVICES.map(([backend, pricePerHour, device]) =>
  testOffer({
    backend,
    instanceType: `${backend} ${device.label}`,
    pricePerHour,
    accelerator: { ...device, count: 1 },
    collectedAt: START,
  }),
);
const catalog = new Catalog({ now: () => START });
catalog.replace('all', decodeSnapshot(encodeSnapshot(offers, { source: 'all', collectedAt: START })), {
  kind: 'offline',
  version: '1',
  staleAfterMs: 1,
});

function found(name: string, formFactors?: readonly FormFactor[]): readonly string[] {
  const accelerator = { names: [name], ...(formFactors && { formFactors }) };
  return catalog.query({ accelerator }).offers.map(({ instanceType }) => instanceType);
}

test('SXM, PCIe and NVL are not merged: each is asked for by itself, and what does not say is none of them', () => {
  assert.deepEqual(found('H100', ['SXM']), ['runpod H100 SXM', 'lambda H100 (80 GB SXM5)', 'aws H100']);
  assert.deepEqual(found('H100', ['PCIe']), ['vastai H100 PCIE', 'runpod H100 PCIe']);
  assert.deepEqual(found('A100', ['SXM']), ['crusoe A100-SXM-80GB']);
  assert.deepEqual(found('A100', ['PCIe']), ['crusoe A100-PCIe-80GB']);
  assert.equal(found('H100').includes('digitalocean nvidia_h100'), true);
  assert.equal(found('H100', ['SXM', 'PCIe', 'NVL']).includes('digitalocean nvidia_h100'), false);
});

test('the H100 NVL, which has another memory, is another device', () => {
  assert.deepEqual(found('H100NVL'), ['runpod H100 NVL', 'azure H100 NVL']);
  assert.deepEqual(found('H100NVL', ['NVL']), found('H100NVL'));
  assert.equal(
    found('H100').some((type) => type.includes('NVL')),
    false,
  );
});
