import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Slabs } from './slabs.ts';

describe('memory for a log', () => {
  it('is never given out again while the log holds it', () => {
    const steps = fc.array(
      fc.record({ length: fc.integer({ min: 1, max: 400_000 }), drop: fc.integer({ min: 0, max: 600_000 }) }),
      {
        maxLength: 60,
      },
    );
    fc.assert(
      fc.property(steps, (made) => {
        const log = { end: 0, heldFrom: 0 };
        const held: { readonly end: number; readonly bytes: Buffer; readonly fill: number }[] = [];
        const slabs = new Slabs(log);
        for (const [fill, { length, drop }] of made.entries()) {
          slabs.room(length).fill(fill, 0, length);
          const bytes = slabs.take(length);
          log.end += length;
          held.push({ end: log.end, bytes, fill });
          log.heldFrom = Math.min(log.end, log.heldFrom + drop);
          for (const piece of held) {
            if (piece.end <= log.heldFrom) continue;
            assert.ok(
              piece.bytes.every((byte) => byte === piece.fill),
              'bytes that the log holds were overwritten',
            );
          }
        }
      }),
      { numRuns: 30 },
    );
  });

  it('is used again once the log has let it go', () => {
    const log = { end: 0, heldFrom: 0 };
    const slabs = new Slabs(log);
    const seen = new Set<ArrayBufferLike>();
    for (let i = 0; i < 100; i++) {
      slabs.room(500_000);
      seen.add(slabs.take(500_000).buffer);
      log.end += 500_000;
      log.heldFrom = log.end;
    }
    assert.ok(seen.size <= 2, `${seen.size} slabs`);
  });
});
