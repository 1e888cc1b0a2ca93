import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { hear, tellAnnouncement, tellChanges } from './postgres-words.ts';
import type { RowChange } from './store.ts';
import { TABLE_NAMES } from './tables.ts';

const changeArbitrary: fc.Arbitrary<RowChange> = fc.record(
  { table: fc.constantFrom(...TABLE_NAMES), id: fc.string({ unit: 'binary', maxLength: 300 }) },
  { noNullPrototype: true },
);

describe('what servers tell each other', () => {
  test('is heard as it was told, in order, and every payload is one that PostgreSQL takes', () => {
    fc.assert(
      fc.property(fc.array(changeArbitrary, { maxLength: 200, size: 'max' }), (changes) => {
        const payloads = tellChanges('a1', changes);
        for (const payload of payloads) assert.ok(Buffer.byteLength(payload) < 8_000 && !payload.includes('\0'));
        const heard = payloads.map((payload) => hear(payload, 'b2'));
        if (heard.some((word) => word?.kind === 'missed')) return;
        assert.deepEqual(
          heard.flatMap((word) => (word?.kind === 'changes' ? word.changes : [])),
          changes,
        );
      }),
      { numRuns: 200 },
    );
  });

  test('is nothing when nothing was changed', () => {
    assert.deepEqual(tellChanges('a1', []), []);
  });

  test('is that something was missed when it is too much, or one id too long', () => {
    const many = Array.from({ length: 50_000 }, (_, i): RowChange => ({ table: 'events', id: `event ${i}` }));
    for (const changes of [many, [{ table: 'events', id: 'x'.repeat(8_000) } as const]])
      assert.deepEqual(
        tellChanges('a1', changes).map((payload) => hear(payload, 'b2')),
        [{ kind: 'missed' }],
      );
  });

  test('may be any text', () => {
    for (const message of ['', ' ', 'c []', 'two\nlines', 'é 🚢'])
      assert.deepEqual(hear(tellAnnouncement('a1', message), 'b2'), { kind: 'announcement', message });
  });

  test('is not heard by who has told it, and what a newer Berth tells is passed over', () => {
    assert.equal(hear(tellAnnouncement('a1', 'x'), 'a1'), null);
    assert.equal(hear('a1 z what is this', 'b2'), null);
    assert.deepEqual(hear('a1 c [["later","x"],["runs","r1"]]', 'b2'), {
      kind: 'changes',
      changes: [{ table: 'runs', id: 'r1' }],
    });
  });
});
