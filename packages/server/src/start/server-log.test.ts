import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Secret } from '@berth/core/secret';
import { openServerLog } from './server-log.ts';

function scratch(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'berth-log-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return join(dir, 'server.log');
}

const clock = { now: () => 0 };

test('a line is an object; secrets, tokens and what is named like one never reach it', (t) => {
  const path = scratch(t);
  const echoed: string[] = [];
  const log = openServerLog({ path, clock, echo: (line) => echoed.push(line) });
  const token = `berth_${'a1'.repeat(32)}`;
  log.debug('not at this level');
  log.info(`started with ${token}`, { value: new Secret('hunter2'), nested: { password: 'hunter3', list: [token] } });
  log.error('broke', {
    error: new Error('outer', { cause: Object.assign(new Error(`inner ${token}`), { code: 'E1' }) }),
  });
  log.close();
  const text = readFileSync(path, 'utf8');
  assert.doesNotMatch(text, /hunter|a1a1/);
  assert.doesNotMatch(echoed.join(), /a1a1/);
  const [first, second] = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(first, {
    time: '1970-01-01T00:00:00.000Z',
    level: 'info',
    message: 'started with [secret]',
    value: '[secret]',
    nested: { password: '[secret]', list: ['[secret]'] },
  });
  assert.equal(second.error.cause.code, 'E1');
  assert.match(second.error.stack, /server-log\.test/);
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test('it is bounded, and a cycle or a folder in its place stops nobody', (t) => {
  const path = scratch(t);
  const log = openServerLog({ path, clock, maxBytes: 2000 });
  for (let n = 0; n < 200; n++) log.info(`line ${n}`);
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  log.info('cycle', cycle);
  log.close();
  assert.ok(statSync(path).size < 2500);
  assert.ok(statSync(`${path}.1`).size < 2500);
  assert.match(readFileSync(path, 'utf8'), /"cycle"/);
  openServerLog({ path: join(path, '..'), clock }).info('nowhere');
});
