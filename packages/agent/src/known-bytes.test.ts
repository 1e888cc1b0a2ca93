import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LogMessage } from './docker-demux.ts';
import { KnownBytes } from './known-bytes.ts';

const message = (text: string, at: number, stream: LogMessage['stream'] = 'stdout'): LogMessage => ({
  at,
  bytes: Buffer.from(text),
  stream,
});
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

describe("what Docker's log repeats", () => {
  it('is left out, to the byte and for each stream', () => {
    const known = new KnownBytes({ stdoutBytes: 8, stderrBytes: 2, lastAt: 1_000 }, () => assert.fail('a gap'));
    assert.equal(text(known.strip(message('line1\n', 900))), '');
    assert.equal(text(known.strip(message('e\n', 950, 'stderr'))), '');
    assert.equal(
      text(known.strip(message('line2\n', 60_000))),
      'ne2\n',
      'a line that was half written when we last looked',
    );
    assert.equal(text(known.strip(message('f\n', 60_000, 'stderr'))), 'f\n');
  });

  it('is not mistaken for what came after Docker had thrown its beginning away', () => {
    let gaps = 0;
    const known = new KnownBytes({ stdoutBytes: 1_000_000, stderrBytes: 0, lastAt: 1_000 }, () => {
      gaps += 1;
    });
    assert.equal(text(known.strip(message('new\n', 20_000))), 'new\n');
    assert.equal(text(known.strip(message('newer\n', 20_001))), 'newer\n');
    assert.equal(gaps, 1);
  });
});
