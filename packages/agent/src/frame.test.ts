import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { encodeFrame, FrameDecoder, FrameError, HELLO_LIMITS } from './frame.ts';
import { MAX_FRAME_PART } from './protocol.ts';

describe('a frame', () => {
  it('comes out as it went in, however the stream is cut', () => {
    const frames = fc.array(fc.record({ header: fc.jsonValue(), payload: fc.uint8Array({ maxLength: 300 }) }));
    fc.assert(
      fc.property(frames, fc.integer({ min: 1, max: 50 }), (sent, cut) => {
        const wire = Buffer.concat(sent.flatMap(({ header, payload }) => encodeFrame(header, payload)));
        const decoder = new FrameDecoder();
        const received: unknown[] = [];
        for (let at = 0; at < wire.length; at += cut) {
          for (const frame of decoder.push(wire.subarray(at, at + cut))) {
            received.push({ header: frame.header, payload: Uint8Array.from(frame.payload) });
          }
        }
        // As JSON has it: -0 becomes 0.
        const expected = sent.map(({ header, payload }) => ({ header: JSON.parse(JSON.stringify(header)), payload }));
        assert.deepEqual(received, expected);
      }),
    );
  });

  it('owns its payload: the chunk that brought it may be used again', () => {
    const wire = Buffer.concat(encodeFrame({}, Buffer.from('abc')));
    const [frame] = [...new FrameDecoder().push(wire)];
    wire.fill(0);
    assert.equal(Buffer.from(frame?.payload ?? []).toString(), 'abc');
  });

  const prefix = (header: number, payload: number): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32BE(header, 0);
    bytes.writeUInt32BE(payload, 4);
    return bytes;
  };
  const refused: readonly (readonly [string, Buffer])[] = [
    ['a header over the limit', prefix(MAX_FRAME_PART + 1, 0)],
    ['a payload over the limit', prefix(2, MAX_FRAME_PART + 1)],
    ['an empty header', prefix(0, 4)],
    ['a header that is not JSON', Buffer.concat([prefix(3, 0), Buffer.from('{a}')])],
    ['the beginning of an HTTP request', Buffer.from('GET / HTTP/1.1\r\n')],
  ];
  for (const [what, bytes] of refused) {
    it(`is refused with ${what}, before memory is taken for it`, () => {
      assert.throws(() => [...new FrameDecoder().push(bytes)], FrameError);
    });
  }

  it('is small before the hello', () => {
    const wire = prefix(10, 1);
    assert.throws(() => [...new FrameDecoder(HELLO_LIMITS).push(wire)], FrameError);
  });
});
