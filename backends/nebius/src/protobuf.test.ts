import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { field, Message, message, ProtobufError } from './protobuf.ts';

test('bytes are those of the documentation', () => {
  // protobuf.dev: a field 1 with 150, and a field 2 with "testing".
  assert.deepEqual([...field(1, 150)], [0x08, 0x96, 0x01]);
  assert.deepEqual([...field(2, 'testing')], [0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67]);
  assert.deepEqual([...field(3, field(1, 150))], [0x1a, 0x03, 0x08, 0x96, 0x01]);
  // Numbers of fields from 16 take more than a byte.
  assert.deepEqual([...field(100, 'a')], [0xa2, 0x06, 0x01, 0x61]);
});

test('what is written is read', () => {
  const number = fc.integer({ min: 1, max: 536_870_911 });
  fc.assert(
    fc.property(number, fc.string(), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), (at, text, value) => {
      assert.equal(new Message(field(at, text)).text(at), text);
      assert.equal(new Message(field(at, value)).number(at), value);
      assert.equal(new Message(field(at, message(field(at, text)))).message(at).text(at), text);
    }),
  );
});

test('fields that nobody asks for are passed over, of every kind; the last of one counts, a list has all', () => {
  const fixed = Uint8Array.from([0x49, 1, 2, 3, 4, 5, 6, 7, 8, 0x55, 1, 2, 3, 4]);
  const read = new Message(message(field(7, 'x'), fixed, field(1, 'one'), field(1, 'two'), field(2, 5)));
  assert.equal(read.text(1), 'two');
  assert.deepEqual(read.messages(9), []);
  assert.equal(read.number(2), 5);
  assert.equal(read.text(3), '');
  assert.equal(read.number(3), 0);
  assert.deepEqual(read.messages(3), []);
});

test('no bytes make it hang or fail otherwise than with its own error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        new Message(bytes);
      } catch (error) {
        assert.ok(error instanceof ProtobufError);
      }
    }),
  );
  const whole = field(1, 'testing');
  assert.throws(() => new Message(whole.subarray(0, 5)), ProtobufError);
});
