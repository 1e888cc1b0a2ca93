import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { encodeSnapshot, starterOffers } from '@berth/catalog';
import { removeSources } from './remove.ts';
import { Workshop } from './workshop.ts';

test('what was taken in under a name is taken out, what shipped answers again, and another name removes nothing', async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'berth-remove-'));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  const { signal } = new AbortController();
  const workshop = () => new Workshop({ home, env: {}, cwd: home, signal, progress: () => {}, warn: () => {} });
  const sources = async () => (await workshop().catalog()).statuses().map(({ source }) => source);

  await assert.rejects(removeSources(workshop(), ['lambda']), /No source `lambda` was collected/);
  const collectedAt = Date.now();
  const offers = starterOffers().filter(({ backend }) => backend === 'lambda');
  for (const name of ['lambda', 'my-prices']) {
    const snapshot = encodeSnapshot(offers, { source: name, collectedAt });
    await workshop().store([{ name, ok: true, snapshot, offers: offers.length, collectedAt }]);
  }
  assert.deepEqual(await sources(), ['lambda', 'my-prices', 'starter']);

  await assert.rejects(removeSources(workshop(), ['lambda', 'my-price']), {
    code: 'not-found',
    hint: 'Did you mean `my-prices`?',
  });
  assert.deepEqual(await sources(), ['lambda', 'my-prices', 'starter']);
  assert.deepEqual(await removeSources(workshop(), ['my-prices', 'lambda', 'lambda']), ['my-prices', 'lambda']);
  assert.deepEqual(await sources(), ['starter']);
  assert.ok((await workshop().catalog()).count({ backends: ['lambda'] }) > 0);
});
