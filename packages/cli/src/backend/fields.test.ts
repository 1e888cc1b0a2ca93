import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Field, fieldNamed, fieldsOf, readAnswer } from './fields.ts';

const fields = fieldsOf({
  type: 'object',
  properties: {
    key: { type: 'string', writeOnly: true },
    maybe: { anyOf: [{ type: 'string', description: 'Inner.' }, { type: 'null' }] },
    size: { enum: ['small', 'large'] },
    count: { type: 'integer', default: 3 },
    price: { type: 'number' },
    public: { type: 'boolean' },
    regions: { type: 'array', items: { type: 'string' } },
    networks: { type: 'object' },
  },
  required: ['key'],
});
const named = (name: string): Field => fieldNamed(fields, name);

test('a schema says what a field is: its kind, whether it is secret, needed, or one of a few', () => {
  assert.deepEqual(
    fields.map(({ name, kind }) => `${name} ${kind}`),
    [
      ...['key text', 'maybe text', 'size text', 'count integer'],
      ...['price number', 'public boolean', 'regions list', 'networks data'],
    ],
  );
  assert.deepEqual([named('key').secret, named('key').required, named('count').default], [true, true, 3]);
  assert.equal(named('maybe').description, 'Inner.');
  assert.deepEqual(named('size').choices, [{ value: 'small' }, { value: 'large' }]);
  assert.deepEqual(fieldsOf({ type: 'object' }), [], 'a schema that says nothing asks for nothing');
});

test('a text is read as the field’s kind', async () => {
  const read = (name: string, text: string) => readAnswer(named(name), text);
  assert.deepEqual(
    await Promise.all([
      ...[read('count', '7'), read('price', '0.5'), read('public', 'yes'), read('public', 'off')],
      ...[read('regions', 'eu-1, us-1,'), read('networks', '{ eu: net-1 }'), read('key', '007')],
    ]),
    [7, 0.5, true, false, ['eu-1', 'us-1'], { eu: 'net-1' }, '007'],
  );
});

test('what does not fit is refused in words, and a secret is not repeated', async () => {
  await assert.rejects(readAnswer(named('count'), '1.5'), /`count` must be a whole number, not `1.5`/);
  await assert.rejects(readAnswer(named('price'), ' '), /must be a number/);
  await assert.rejects(readAnswer(named('public'), 'maybe'), /must be yes or no/);
  await assert.rejects(readAnswer(named('size'), 'huge'), /must be `small` or `large`, not `huge`/);
  const secret = { ...named('size'), secret: true };
  await assert.rejects(readAnswer(secret, 'hunter2'), (error: Error) => !error.message.includes('hunter2'));
  assert.throws(() => fieldNamed(fields, 'region'), /no field `region`/);
});
