// biome-ignore-all lint/suspicious/noTemplateCurlyInString: `${{ … }}` is the language under test
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { z } from 'zod';
import type { JsonSchema } from './input-schema.ts';
import { configurationJsonSchema, profilesJsonSchema } from './json-schema.ts';

/** zod reads a JSON Schema back: an independent path through `pattern`, `anyOf`, `required` and the rest. */
const validator = (schema: JsonSchema) => z.fromJSONSchema(schema);
const configuration = validator(configurationJsonSchema());

const GOOD = [
  'type: task\ncommands: [echo hi]',
  'type: task\nname: a-1\nimage: python:3.12\nnodes: 2\nprivileged: yes\nuser: 1000\nshell: bash\nworking_dir: /w',
  'type: task\ncommands: [a]\nenv: [A=1, B, "C=${{ secrets.X }}"]\nports: [80, "80:81", "*:82"]\nfiles: [a, "b:/c"]\nrepos: ["."]',
  'type: task\ncommands: [a]\nenv: {A: 1.10, B: true, C: x}\nvolumes: ["/a:/b", {instance_path: /a, path: /b, optional: true}]',
  'type: task\ncommands: [a]\nresources: {cpu: "arm:8..", memory: 16GB.., gpu: "A100:80GB:2..4", disk: {size: 100GB..}, shm_size: 1GB}',
  'type: task\ncommands: [a]\nresources: {cpu: 2..8, memory: {min: 1, max: 2GB}, gpu: {name: [A100], count: 1.., memory: 40GB..}, disk: 100}',
  'type: task\ncommands: [a]\nresources: {gpu: 24GB}\nmax_duration: off\nstop_duration: 5m\nidle_duration: -1\nretry: {on_events: [error], duration: 1h}',
  'type: task\ncommands: [a]\nspot_policy: auto\nmax_price: 1.5\nregions: [a]\ntags: {a: b}\ndocker: false\npython:\nartifacts: [out]',
  'type: fleet\nname: f\nnodes: 0..4\nresources: {gpu: H100:8}\nplacement: cluster\nidle_duration: 3d\nblocks: 1',
  'type: fleet\nnodes: {min: 1, target: 2, max: 3}',
];

const BAD = [
  'type: service\ncommands: [a]',
  'commands: [a]',
  'type: task\ncomands: [a]',
  'type: task\ncommands: a',
  'type: task\ncommands: [a]\nnodes: 0',
  'type: task\ncommands: [a]\nname: Train',
  'type: task\ncommands: [a]\nmax_duration: soon',
  'type: task\ncommands: [a]\nresources: {memory: 16GiB}',
  'type: task\ncommands: [a]\nresources: {cpu: ..}',
  'type: task\ncommands: [a]\nresources: {gpuu: 1}',
  'type: task\ncommands: [a]\nports: [http]',
  'type: task\ncommands: [a]\nenv: [1A=x]',
  'type: task\ncommands: [a]\npython: "3.12"',
  'type: task\ncommands: [a]\ndocker: true',
  'type: task\ncommands: [a]\nvolumes: ["/a"]',
  'type: fleet',
  'type: fleet\nnodes: many',
  'type: fleet\nnodes: 1\ncommands: [a]',
];

test('what can be applied is valid', () => {
  for (const text of GOOD) assert.equal(configuration.safeParse(parse(text)).success, true, text);
});

test('what cannot is marked in the editor', () => {
  for (const text of BAD) assert.equal(configuration.safeParse(parse(text)).success, false, text);
});

test('profiles have a schema of their own', () => {
  const profiles = validator(profilesJsonSchema());
  assert.equal(
    profiles.safeParse({ profiles: [{ name: 'a', default: true, spot_policy: 'spot', max_duration: '1h' }] }).success,
    true,
  );
  assert.equal(profiles.safeParse({ profiles: [{ name: 'a', commands: [] }] }).success, false);
  assert.equal(profiles.safeParse({ profiles: [{ spot_policy: 'spot' }] }).success, false);
});

test('it names its dialect, and every field of a task says what it is for', () => {
  const schema = configurationJsonSchema();
  assert.equal(schema.$schema, 'https://json-schema.org/draft/2020-12/schema');
  const [task] = schema.anyOf as { properties: Record<string, { description?: string }> }[];
  const silent = Object.entries(task?.properties ?? {}).filter(
    ([key, value]) => key !== 'type' && !JSON.stringify(value).includes('"description"'),
  );
  assert.deepEqual(silent, []);
  assert.ok(Object.keys(task?.properties ?? {}).length > 40);
});

test('it is plain JSON', () => {
  const schema = configurationJsonSchema();
  assert.deepEqual(JSON.parse(JSON.stringify(schema)), schema);
});
