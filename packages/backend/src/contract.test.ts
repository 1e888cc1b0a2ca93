import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '@berth/core';
import { z } from 'zod';
import { type Compute, defineBackend, facetsOf, owned } from './index.ts';

const compute: Compute = {
  create: async () => ({
    cloudId: 'c',
    token: 't',
    name: 'm',
    region: 'r',
    zone: null,
    state: 'running',
    address: null,
    internalIp: null,
  }),
  list: async () => [],
  terminate: async () => {},
};

const common = {
  title: 'T',
  kind: 'vm',
  agentStart: 'process',
  limits: { nameLength: 63, tags: true, provisioningTimeoutMs: 1000 },
  compute: () => compute,
} as const;

test('config and every kind of credentials keep their types in configure', () => {
  // What this claims is checked by the compiler; a contract that infers `unknown` does not compile here.
  const definition = defineBackend({
    ...common,
    type: 'typed',
    credentials: {
      api_key: z.object({ user: z.string(), key: z.string().transform((key) => new Secret(key)) }),
      profile: z.object({ user: z.string(), profile: z.string() }),
    },
    config: z.object({ region: z.string() }),
    configure: async ({ config, credentials }) => {
      const how = 'key' in credentials ? credentials.key.reveal() : credentials.profile;
      return { config, account: `${credentials.user} ${how} ${config.region.length}` };
    },
    catalog: owned({ cacheForMs: 0, query: async () => [] }),
  });
  assert.equal(definition.type, 'typed');
});

test('a type that is no word is refused, and a definition cannot be changed afterwards', () => {
  const define = (type: string) =>
    defineBackend({
      ...common,
      type,
      credentials: { default: z.object({}) },
      config: z.object({}),
      configure: async ({ config }) => ({ config, account: 'a' }),
      catalog: owned({ cacheForMs: 0, query: async () => [] }),
    });
  for (const type of ['', 'Upper', '1st', 'under_score', 'x'.repeat(32)]) assert.throws(() => define(type), TypeError);
  assert.ok(Object.isFrozen(define('x'.repeat(31))));
});

test('facets are what the compute has', () => {
  assert.deepEqual(facetsOf(compute), []);
  assert.deepEqual(facetsOf({ ...compute, agent: { start: async () => ({ kind: 'unix', path: '/s' }) } }), ['agent']);
});
