import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Offer } from '@berth/core';
import type { CatalogGpuView, CatalogOfferView } from '@berth/core/api-catalog';
import { startTestApi } from '../testing/test-api.ts';
import { createHandlers } from './index.ts';
import type { ServerParts } from './parts.ts';

const MACHINE: Offer = {
  id: 'shed/here/-/box/on-demand',
  backend: 'shed',
  instanceType: 'box',
  region: 'here',
  zone: null,
  capacityType: 'on-demand',
  pricePerHour: 0,
  availability: 'idle',
  resources: {
    cpus: 32,
    cpuArch: 'x86',
    memoryMiB: 256 * 1024,
    diskMiB: 1024 * 1024,
    accelerators: [{ name: 'H100', vendor: 'nvidia', count: 8, memoryMiB: 80 * 1024, known: true }],
  },
};

/** A project that has machines of its own in a shed, and may create others at Lambda. */
function withShed(parts: ServerParts) {
  const view = {
    kind: null,
    status: 'ready' as const,
    reason: null,
    account: null,
    facets: [],
    holds: 0,
    source: 'config.yml' as const,
  };
  return createHandlers({
    ...parts,
    engine: {
      ...parts.engine,
      offers: async (_project, { backends }) => ({
        offers: backends?.includes('shed') === true ? [MACHINE] : [],
        sources: [{ backend: 'shed', status: 'timed-out', offers: 0, message: null }],
        misfits: [],
      }),
    },
    backends: {
      ...parts.backends,
      views: async () => [
        { ...view, name: 'shed', type: 'ssh', title: 'Shed' },
        { ...view, name: 'lambda', type: 'lambda', title: 'Lambda' },
      ],
      isOwned: (type) => type === 'ssh',
    },
  });
}

test('the market is one list in one order: own machines at their real price, clouds, and what the project can use', async (t) => {
  const api = await startTestApi(t, { handlers: withShed });
  const ada = await api.user('ada');
  await api.project('main', ada);
  const token = await api.token(ada);
  const gpu = { names: ['h100'], count: { min: 8, max: 8 } };
  const ask = async (body: object) => (await api.ask('POST /projects/main/offers/market', { token, body })).json;

  const all = await ask({ gpu });
  assert.deepEqual(all.configured, ['lambda', 'shed']);
  assert.deepEqual([all.offers[0].backend, all.offers[0].price_per_hour, all.offers[0].price_per_gpu], ['shed', 0, 0]);
  const prices = all.offers.map((offer: CatalogOfferView) => offer.price_per_hour);
  assert.deepEqual(
    prices,
    prices.toSorted((a: number, b: number) => a - b),
  );
  assert.equal(all.total, all.offers.length);
  assert.ok(all.offers.some((offer: CatalogOfferView) => offer.backend === 'aws'));
  assert.equal(all.sources.find((source: { source: string }) => source.source === 'shed').state, 'failed');

  const own = await ask({ gpu, configured: true });
  const backends = own.offers.map((offer: CatalogOfferView) => offer.backend);
  assert.deepEqual([...new Set(backends)].sort(), ['lambda', 'shed']);
  assert.equal((await ask({ gpu, configured: true, backends: ['aws'] })).total, 0, 'it may not use that one');

  const { groups } = await ask({ gpu, group_by: ['gpu'] });
  assert.equal(groups.length, 1);
  assert.equal(groups[0].min_price, 0);
  assert.equal(groups[0].count, all.total);

  const dear = await ask({ gpu, price_per_hour: { max: 0.5 }, exclude_backends: ['shed'] });
  assert.equal(dear.total, 0);
  assert.equal(dear.obstacles[0].filter, 'price_per_hour');
});

test('pages of the market are one list without gap or repetition, with own machines wherever they stand', async (t) => {
  const api = await startTestApi(t, { handlers: withShed });
  const ada = await api.user('ada');
  await api.project('main', ada);
  const token = await api.token(ada);
  const ask = async (body: object) => (await api.ask('POST /projects/main/offers/market', { token, body })).json;
  for (const sort of ['price', 'price-per-gpu', 'price-per-gpu-gib']) {
    const whole = await ask({ sort, limit: 500 });
    assert.equal(whole.next, null);
    const paged: string[] = [];
    for (let after: string | null | undefined; after !== null; ) {
      const page = await ask({ sort, limit: 7, ...(after === undefined ? {} : { after }) });
      paged.push(...page.offers.map(({ id }: CatalogOfferView) => id));
      assert.equal(page.total, whole.total);
      after = page.next;
    }
    assert.deepEqual(
      paged,
      whole.offers.map(({ id }: CatalogOfferView) => id),
    );
  }
});

test('the catalog answers everybody who has a token, page by page', async (t) => {
  const api = await startTestApi(t);
  const token = await api.token(await api.user('ada'));
  const first = (await api.ask('POST /catalog/offers', { token, body: { limit: 5 } })).json;
  assert.equal(first.offers.length, 5);
  const second = (await api.ask('POST /catalog/offers', { token, body: { limit: 5, after: first.next } })).json;
  const ids = [...first.offers, ...second.offers].map((offer: CatalogOfferView) => offer.id);
  assert.equal(new Set(ids).size, 10);
  const groups = (await api.ask('POST /catalog/groups', { token, body: { group_by: ['backend'] } })).json;
  assert.equal(
    groups.groups.reduce((sum: number, group: { count: number }) => sum + group.count, 0),
    first.total,
  );
  const { gpus } = (await api.ask('GET /catalog/gpus', { token })).json;
  const h100: CatalogGpuView = gpus.find(({ name }: CatalogGpuView) => name === 'H100');
  assert.ok(h100.backends.includes('aws') && h100.on_demand_from !== null && h100.on_demand_from < 15);
  assert.equal(gpus.at(-1).offers, 0, 'what nobody sells comes last');
  const status = (await api.ask('GET /catalog/status', { token })).json;
  assert.deepEqual([status.offers, status.url], [first.total, null]);
  assert.deepEqual((await api.ask('GET /catalog/history/H100', { token })).json, { gpu: 'H100', series: [] });
});

test('what cannot be asked is told with the nearest name or the place, and every list has a limit', async (t) => {
  const api = await startTestApi(t);
  const token = await api.token(await api.user('ada'));
  const ask = (body: object) => api.ask('POST /catalog/offers', { token, body });
  const unknown = await ask({ gpu: { names: ['H1000'] } });
  assert.deepEqual([unknown.status, unknown.json.error.hint], [400, 'did you mean `H100`?']);
  for (const body of [
    { regions: Array.from({ length: 201 }, () => 'x') },
    { regions: ['x'.repeat(121)] },
    { cpus: { min: 8, max: 2 } },
    { cpus: { min: -1 } },
    { limit: 1001 },
    { after: 'nonsense' },
    { gpus: {} },
  ]) {
    const answer = await ask(body);
    assert.equal(answer.status, 400, JSON.stringify(body));
    assert.equal(answer.json.error.code, 'invalid-request');
  }
  assert.equal((await api.ask('GET /catalog/history/nothing-like-it', { token })).status, 400);
});
