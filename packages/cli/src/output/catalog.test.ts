import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CatalogHistoryView } from '@berth/core/api-catalog';
import type { DiffReport } from '@berth/core/catalog-tool';
import { sourceView } from '../testing/views.ts';
import { formatCollected, formatDiff, formatHistory, formatStatus } from './catalog.ts';
import { formatSourceNotes } from './market.ts';

const DAY = 24 * 60 * 60_000;
const row = { source: 'aws', before: 0, after: 3, added: 3, removed: 0, dearer: 0, cheaper: 0 };
const change = { id: 'aws/us-east-1/-/p5.48xlarge/spot/H100:80GB:8', before: null, after: 9.9 };

test('bug: a comparison showed its first hundred changes as if they were all', () => {
  const diff: DiffReport = { sources: [row], changes: [change] };
  assert.match(formatDiff(diff), /new +\$9\.90\n… and 2 more changes$/);
  assert.match(formatDiff({ ...diff, sources: [{ ...row, added: 1 }] }), /new +\$9\.90$/);
});

test('two sides without offers are told in words, not as a table of headings', () => {
  assert.equal(formatDiff({ sources: [], changes: [] }), 'Neither side holds an offer.');
});

test('bug: prices that are older than a year were called fresh: the starter is as it was shipped', () => {
  const starter = sourceView({ source: 'starter', kind: 'starter', offers: 270, collected_at: 0 });
  const times = { refreshed_at: null, next_refresh_at: null };
  const text = formatStatus({ sources: [starter], offers: 270, url: null, unmapped: [], ...times }, 500 * DAY);
  assert.match(text, /\nstarter +starter +as shipped +270 +500d/);
});

test('bug: `--backend aws` said that the starter is shown where its prices are not', () => {
  const starter = sourceView({ source: 'starter', kind: 'starter', offers: 270, state: 'skipped', collected_at: null });
  assert.equal(formatSourceNotes([starter], 0), '');
  assert.match(
    formatSourceNotes([{ ...starter, state: 'fresh', collected_at: 0 }], 0),
    /prices of 1970-01-01 that ship/,
  );
});

test('bug: a label that nobody knows was told twice, and how long it took stood behind the second', () => {
  const complaint = { rule: 'unmapped', message: 'devices that the registry does not know: X9', rows: null };
  const report = {
    source: 'mine',
    ok: true,
    offers: 6,
    quarantined: 0,
    complaints: [complaint],
    unmapped: [{ label: 'X9', backend: 'mine', offers: 1 }],
    version: '1',
    skipped: [],
    ms: 70,
  };
  assert.equal(formatCollected([report]), '✓ mine: 6 offers  70 ms\n    unknown accelerator: X9 (1 offer)');
});

test('what a price list calls things stays on its line: it can forge none of ours', () => {
  const label = 'Evil\n✓ aws: 99 offers';
  const report = {
    source: 'bazaar',
    ok: true,
    offers: 1,
    quarantined: 0,
    complaints: [{ rule: 'row', message: label, rows: null }],
    unmapped: [{ label, offers: 1 }],
    skipped: [{ what: label, reason: label, times: 1 }],
    ms: 1,
  };
  assert.equal(formatCollected([report]).split('\n').length, 4);
  const times = { refreshed_at: null, next_refresh_at: null };
  const unmapped = [{ label, backend: 'bazaar', offers: 1 }];
  assert.doesNotMatch(formatStatus({ sources: [], offers: 1, url: null, unmapped, ...times }, 0), /^✓ aws/m);
  const failed = sourceView({ source: 'bazaar', state: 'failed', reason: label });
  assert.doesNotMatch(formatSourceNotes([failed], 0), /\n/);
});

test('a history tells its course once: by the chart above the table, or else by blocks in its lines', () => {
  const points = [
    { at: 0, price_per_gpu: 6.88 },
    { at: 5 * DAY, price_per_gpu: 3.9 },
  ];
  const history: CatalogHistoryView = {
    gpu: 'H100',
    series: [{ backend: 'aws', capacity_type: 'on-demand', points }],
  };
  assert.match(
    formatHistory(history, 10 * DAY, null),
    /SINCE 1970-01-01.*\naws +on-demand +█+▁+ +\$3\.90 +\$6\.88 +\$3\.90/,
  );
  const charted = formatHistory(history, 10 * DAY, 'the chart');
  assert.match(charted, /^the chart\n\nBACKEND +CAPACITY +LOW.*\naws +on-demand +\$3\.90 +\$6\.88 +\$3\.90\n/);
  assert.doesNotMatch(charted, /[█▁]/);
});

test('without a price there is no chart either', () => {
  assert.equal(
    formatHistory({ gpu: 'H100', series: [] }, DAY, 'the chart'),
    'No price of H100 was ever recorded here.',
  );
});
