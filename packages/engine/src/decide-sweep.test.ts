import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CloudInstance } from '@berth/backend';
import type { InstanceId, ProjectId } from '@berth/core';
import { INSTANCE_STATUSES } from '@berth/core';
import type { InstanceRow, OrphanRow } from '@berth/store';
import fc from 'fast-check';
import { decideSweep, type SweepSnapshot } from './decide-sweep.ts';
import { instanceRow, intentRow, MINUTE, NOW } from './testing/rows.ts';
import { LIST_LAG_MS, ORPHAN_MIN_AGE_MS } from './timing.ts';

const OURS = { project: 'p1' as ProjectId, backend: 'sim' };

function machine(of: Partial<CloudInstance> = {}): CloudInstance {
  return {
    cloudId: 'c1',
    token: 'i1',
    name: 'berth-i1',
    region: 'r1',
    zone: null,
    state: 'running',
    address: null,
    internalIp: null,
    ...of,
  };
}

function orphan(of: Partial<OrphanRow> = {}): OrphanRow {
  return {
    id: 'o1' as OrphanRow['id'],
    projectId: OURS.project,
    backend: OURS.backend,
    cloudId: 'c9',
    token: 'stranger',
    name: 'berth-stranger',
    region: 'r1',
    zone: null,
    instanceId: null,
    status: 'watched',
    firstSeenAt: NOW - MINUTE,
    lastSeenAt: NOW - MINUTE,
    attempts: 0,
    nextAttemptAt: null,
    lastError: null,
    goneAt: null,
    version: 1,
    ...of,
  };
}

function sweep(of: Partial<SweepSnapshot>, now = NOW): ReturnType<typeof decideSweep> {
  const nothing = { machines: [], rows: [], creates: [], orphans: [], denials: new Map() };
  return decideSweep({ ...OURS, askedAt: now, lagMs: LIST_LAG_MS, ...nothing, ...of }, now);
}

/** The status that an orphan gets; undefined: none is written. */
function orphanStatus(of: Partial<SweepSnapshot>): string | undefined {
  for (const write of sweep(of).writes) {
    if ('add' in write && write.add === 'orphans') return write.row.status;
    if ('change' in write && write.change === 'orphans' && write.patch.status !== undefined) return write.patch.status;
  }
  return undefined;
}

describe('a machine that the cloud lists', () => {
  test('is left alone when a book expects it, of whatever project and backend', () => {
    assert.equal(orphanStatus({ machines: [machine()], rows: [instanceRow()] }), undefined);
    const elsewhere = instanceRow({ projectId: 'p2' as ProjectId, backend: 'other', cloudId: 'region/c1' });
    assert.equal(orphanStatus({ machines: [machine()], rows: [elsewhere] }), undefined);
  });

  test('is left alone while its creation is open, whatever the row says', () => {
    const rows = [instanceRow({ status: 'terminated', terminatedAt: NOW - 60 * MINUTE })];
    assert.equal(orphanStatus({ machines: [machine()], rows, creates: [intentRow()] }), undefined);
    assert.equal(orphanStatus({ machines: [machine()], rows }), 'watched');
  });

  test('is no orphan as long as the list may be older than the end of its row', () => {
    const ended = (ago: number): InstanceRow[] => [instanceRow({ status: 'terminated', terminatedAt: NOW - ago })];
    assert.equal(orphanStatus({ machines: [machine()], rows: ended(LIST_LAG_MS - 1) }), undefined);
    assert.equal(orphanStatus({ machines: [machine()], rows: ended(LIST_LAG_MS) }), 'watched');
  });

  test('is not protected by an end that lies in the future, because the clock was set back since', () => {
    const rows = [instanceRow({ status: 'terminated', terminatedAt: NOW + 60 * MINUTE })];
    assert.equal(orphanStatus({ rows, machines: [machine()] }), 'watched');
  });

  test('is watched first, and terminated when it is seen again after the minimum age', () => {
    const machines = [machine({ cloudId: 'c9', token: 'stranger' })];
    assert.equal(orphanStatus({ machines }), 'watched');
    assert.equal(orphanStatus({ machines, orphans: [orphan()] }), undefined);
    const old = orphan({ firstSeenAt: NOW - ORPHAN_MIN_AGE_MS });
    assert.equal(orphanStatus({ machines, orphans: [old] }), 'terminating');
  });

  test('is only reported when nothing proves that it is ours, however old it is', () => {
    const machines = [machine({ cloudId: 'c9', token: null })];
    assert.equal(orphanStatus({ machines }), 'reported');
    const old = orphan({ token: null, status: 'reported', firstSeenAt: NOW - 90 * 24 * 60 * MINUTE });
    assert.equal(orphanStatus({ machines, orphans: [old] }), undefined);
  });

  test('is an orphan when the cloud has made two of one token, and only the one that is not on the books', () => {
    const rows = [instanceRow({ cloudId: 'c1' })];
    const { writes } = sweep({ machines: [machine(), machine({ cloudId: 'c2' })], rows });
    assert.deepEqual(
      writes.map((write) => ('add' in write && write.add === 'orphans' ? write.row.cloudId : null)),
      ['c2'],
    );
  });

  test('that is gone is believed to be gone after the list’s lag', () => {
    const gone = (ago: number): string | undefined => orphanStatus({ orphans: [orphan({ lastSeenAt: NOW - ago })] });
    assert.equal(gone(LIST_LAG_MS - 1), undefined);
    assert.equal(gone(LIST_LAG_MS), 'gone');
  });

  test('whose creation was thought to have failed is adopted', () => {
    const row = instanceRow({ status: 'provisioning', cloudId: null, address: null });
    const { adopted, writes } = sweep({
      machines: [machine()],
      rows: [row],
      creates: [intentRow({ uncertain: true })],
    });
    assert.deepEqual(adopted, [row]);
    assert.equal(writes.length, 2);
  });
});

describe('a row that we believe in', () => {
  const silent = instanceRow({ unreachableSince: NOW - MINUTE, createdAt: NOW - 60 * MINUTE });

  test('is written off when the cloud denies it twice, the list’s lag apart', () => {
    const first = sweep({ rows: [silent] });
    assert.deepEqual([first.gone, first.denials.get(silent.id)], [[], NOW]);
    const soon = sweep({ rows: [silent], denials: first.denials }, NOW + LIST_LAG_MS - 1);
    assert.deepEqual(soon.gone, []);
    const later = sweep({ rows: [silent], denials: soon.denials }, NOW + LIST_LAG_MS);
    assert.deepEqual(later.gone, [silent]);
  });

  test('is written off at once when the cloud tells that it is terminated', () => {
    assert.deepEqual(sweep({ rows: [silent], machines: [machine({ state: 'terminated' })] }).gone, [silent]);
  });

  test('stays while its agent answers, whatever the cloud says', () => {
    const denials = new Map([[silent.id, NOW - 60 * MINUTE]]);
    const answers = instanceRow({ unreachableSince: null, createdAt: NOW - 60 * MINUTE });
    assert.deepEqual(sweep({ rows: [answers], denials }).gone, []);
    assert.deepEqual(sweep({ rows: [answers], machines: [machine({ state: 'terminated' })] }).gone, []);
  });

  test('that the cloud shows again is not denied any more', () => {
    const denials = new Map([[silent.id, NOW - MINUTE]]);
    assert.equal(sweep({ rows: [silent], machines: [machine()], denials }).denials.size, 0);
  });

  test('too young to be in the list is not denied', () => {
    const young = instanceRow({ status: 'provisioning', readyAt: null, createdAt: NOW - LIST_LAG_MS + 1 });
    assert.equal(sweep({ rows: [young] }).denials.size, 0);
  });

  test('of another backend is not this sweep’s to judge', () => {
    const denials = new Map([[silent.id, NOW - 60 * MINUTE]]);
    assert.deepEqual(sweep({ rows: [{ ...silent, backend: 'other' }], denials }).gone, []);
  });
});

const tokens = ['i1', 'i2', 'i3', null] as const;
const anyMachine = fc.record({
  cloudId: fc.constantFrom('c1', 'c2', 'c3', 'c4'),
  token: fc.constantFrom(...tokens),
  state: fc.constantFrom('starting', 'running', 'stopped', 'terminating', 'terminated'),
});
const anyRow = fc.record({
  id: fc.constantFrom('i1', 'i2', 'i3'),
  status: fc.constantFrom(...INSTANCE_STATUSES),
  cloudId: fc.constantFrom(null, 'c1', 'c2', 'c3'),
  projectId: fc.constantFrom('p1', 'p2'),
  terminatedAt: fc.integer({ min: NOW - 60 * MINUTE, max: NOW }),
  unreachableSince: fc.constantFrom(null, NOW - MINUTE),
});

test('nothing is terminated that any book expects, or that is not provably ours, or that is young', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(anyMachine, { maxLength: 4, selector: ({ cloudId }) => cloudId }),
      fc.uniqueArray(anyRow, { maxLength: 3, selector: ({ id }) => id }),
      fc.uniqueArray(fc.constantFrom('i1', 'i2', 'i3'), { maxLength: 3 }),
      fc.integer({ min: 0, max: 10 * MINUTE }),
      (drawn, drawnRows, open, age) => {
        const machines = drawn.map((one) => machine(one));
        const rows = drawnRows.map((row) =>
          instanceRow({ ...row, id: row.id as InstanceId, token: row.id, projectId: row.projectId as ProjectId }),
        );
        const creates = open.map((id) => intentRow({ id: id as never, instanceId: id as InstanceId }));
        const orphans = machines.map((one) =>
          orphan({
            cloudId: one.cloudId,
            token: one.token,
            status: one.token === null ? 'reported' : 'watched',
            firstSeenAt: NOW - age,
          }),
        );
        for (const write of sweep({ machines, rows, creates, orphans }).writes) {
          if (!('change' in write) || write.change !== 'orphans' || write.patch.status !== 'terminating') continue;
          const { token, cloudId } = write.row;
          assert.notEqual(token, null);
          assert.ok(age >= ORPHAN_MIN_AGE_MS);
          assert.ok(!rows.some((row) => row.token === token && open.some((id) => id === token)));
          for (const row of rows) {
            if (row.token !== token || row.status === 'terminated') continue;
            assert.ok(row.projectId === 'p1' && row.cloudId !== null && row.cloudId !== cloudId);
          }
        }
      },
    ),
    { numRuns: 2_000 },
  );
});

test('no row is written off whose agent answers', () => {
  fc.assert(
    fc.property(fc.array(anyMachine, { maxLength: 5 }), anyRow, fc.boolean(), (drawn, drawnRow, before) => {
      const row = instanceRow({ ...drawnRow, id: 'i1' as InstanceId, projectId: drawnRow.projectId as ProjectId });
      const denials = new Map(before ? [[row.id, NOW - 60 * MINUTE]] : []);
      const { gone } = sweep({ machines: drawn.map((one) => machine(one)), rows: [row], denials });
      if (gone.length === 0) return;
      assert.ok(row.status === 'provisioning' || row.unreachableSince !== null);
      assert.equal(row.projectId, 'p1');
    }),
    { numRuns: 2_000 },
  );
});
