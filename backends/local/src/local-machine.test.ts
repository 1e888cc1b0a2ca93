import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Logger } from '@berth/backend';
import { realHttp } from '@berth/http/real-http';
import { type LocalContext, localMachine } from './local-machine.ts';
import { GPU_LESS } from './testing/local-cloud.ts';

let now = 0;
const warned: string[] = [];
const ignore = (): void => {};
const log: Logger = { debug: ignore, info: ignore, warn: (message) => warned.push(message), error: ignore };
const context = (stateDir: string): LocalContext => ({
  name: 'here',
  installation: 'test',
  config: { max_instances: 1, price: 0 },
  credentials: {},
  http: realHttp(),
  clock: { now: () => now },
  random: (length) => new Uint8Array(length),
  log,
  stateDir,
});

test('the machine is asked about itself once a minute, however many want to know', async () => {
  let asked = 0;
  const detect = async () => ({ ...GPU_LESS, cpus: ++asked });
  const machine = localMachine('/nowhere/once', detect);
  const here = context('/nowhere/once');
  await Promise.all([machine.host(here), machine.host(here)]);
  now += 59_999;
  assert.equal((await localMachine('/nowhere/once', detect).host(here)).cpus, 1);
  now += 1;
  assert.equal((await machine.host(here)).cpus, 2);
  now -= 10_000; // the clock steps back
  assert.equal((await machine.host(here)).cpus, 3);
});

test('a detection that failed is tried again', async () => {
  let asked = 0;
  const machine = localMachine('/nowhere/twice', async () => {
    if (asked++ === 0) throw new Error('no disk');
    return GPU_LESS;
  });
  await assert.rejects(machine.host(context('/nowhere/twice')), /no disk/);
  assert.equal((await machine.host(context('/nowhere/twice'))).cpus, 8);
});

test('what a driver complains of is told when it changes, and not every minute', async () => {
  const notes = [['nvidia-smi: failed'], ['nvidia-smi: failed'], [], ['nvidia-smi: failed']];
  let asked = 0;
  const machine = localMachine('/nowhere/notes', async () => ({ ...GPU_LESS, notes: notes[asked++] ?? [] }));
  warned.length = 0;
  for (let i = 0; i < 4; i++) {
    await machine.host(context('/nowhere/notes'));
    now += 60_000;
  }
  assert.deepEqual(warned, ['nvidia-smi: failed', 'nvidia-smi: failed']);
});
