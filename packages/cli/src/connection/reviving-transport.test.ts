import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Transport, TransportError, type TransportFailure, type TransportResponse } from '@berth/client/transport';
import { revivingTransport } from './reviving-transport.ts';

const ANSWER: TransportResponse = {
  status: 200,
  header: () => null,
  body: (async function* () {})(),
  discard: () => {},
};
const request = { method: 'POST', url: 'http://old:1/api/v1/x?y=1', headers: {}, headTimeoutMs: 1, idleTimeoutMs: 1 };

/** Fails as told, one after the other, then answers; remembers what was asked. */
function transport(...failures: TransportFailure[]): Transport & { readonly urls: string[] } {
  const urls: string[] = [];
  return {
    urls,
    async request({ url }) {
      urls.push(url);
      const failure = failures.shift();
      if (failure !== undefined) throw new TransportError(failure, failure);
      return ANSWER;
    },
    close() {},
  };
}

function reviving(inner: Transport, stopped = false) {
  const revivals: number[] = [];
  const revive = async () => {
    revivals.push(1);
    return 'http://new:2';
  };
  return { revivals, ...revivingTransport(inner, { revive, wasStopped: () => stopped }) };
}

test('a server that does not listen is revived, and the request goes to where it is then', async () => {
  const inner = transport('refused');
  assert.equal(await reviving(inner).request(request), ANSWER);
  assert.deepEqual(inner.urls, ['http://old:1/api/v1/x?y=1', 'http://new:2/api/v1/x?y=1']);
});

test('a request that may have arrived is not repeated', async () => {
  for (const failure of ['broken', 'timed-out', 'unknown-host'] as const) {
    const inner = transport(failure);
    const subject = reviving(inner);
    await assert.rejects(subject.request(request), { failure });
    assert.deepEqual([inner.urls.length, subject.revivals.length], [1, 0]);
  }
});

test('a server that somebody stopped after it had answered is left alone, one that crashed is not', async () => {
  for (const stopped of [true, false]) {
    const answers = transport();
    const subject = reviving(
      { ...answers, request: async (r) => (answers.urls.length === 0 ? answers.request(r) : failing(r)) },
      stopped,
    );
    const failing = transport('refused').request;
    await subject.request(request);
    if (stopped) await assert.rejects(subject.request(request), { failure: 'refused' });
    else await subject.request(request);
    assert.equal(subject.revivals.length, stopped ? 0 : 1);
  }
});
