import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { type Duplex, duplexPair, PassThrough, Readable, Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BlobHash, InstanceId, JobId } from '@berth/core/ids';
import { Secret } from '@berth/core/secret';
import { Connection } from './connection.ts';
import { type Frame, FULL_LIMITS } from './frame.ts';
import { AgentLinkError } from './link-error.ts';
import { type AgentHandlers, type AgentLink, connectAgent } from './server-link.ts';

const INSTANCE = 'i1' as InstanceId;
const JOB = 'j1' as JobId;
const HELLO = { t: 'hello', protocol: 1, version: 'x', instance: INSTANCE, bootId: 'b', pid: 1, host: {}, jobs: [] };

type Request = { readonly t: string; readonly id: number; readonly method: string; readonly params: never };

interface Bench {
  readonly link: AgentLink;
  /** The agent's end. */
  readonly agent: Connection;
  /** What the server has said, but for its hello. */
  readonly said: Frame[];
}

/** A link to an agent that the test plays: `answer` may answer a request. */
async function link(
  handlers: Partial<AgentHandlers> = {},
  answer: (request: Request, agent: Connection, payload: Uint8Array) => void = () => undefined,
): Promise<Bench> {
  const [near, far] = duplexPair();
  const said: Frame[] = [];
  const agent: Connection = new Connection(far, FULL_LIMITS, {
    onFrame: (frame) => {
      const message = frame.header as Request;
      if (message.t === 'hello') {
        agent.send(HELLO);
        return;
      }
      said.push(frame);
      if (message.t === 'req') answer(message, agent, frame.payload);
    },
    onClose: () => undefined,
  });
  return { link: await connect(near, handlers), agent, said };
}

async function connect(
  to: Duplex | { readonly socketPath: string },
  handlers: Partial<AgentHandlers> = {},
): Promise<AgentLink> {
  return await connectAgent({
    to,
    server: 's',
    secret: new Secret('x'),
    instance: INSTANCE,
    resume: { event: 0, logs: {} },
    timeoutMs: 300,
    handlers: {
      onEvent: async () => undefined,
      onLog: async () => undefined,
      onMetrics: () => undefined,
      onClose: () => undefined,
      ...handlers,
    },
  });
}

const withCode = (code: string) => (error: unknown) => error instanceof AgentLinkError && error.reason === code;

describe('a link', () => {
  it('to nobody is closed', async () => {
    await assert.rejects(connect({ socketPath: '/no/such/socket' }), withCode('closed'));
  });

  it('to somebody who is silent times out', async () => {
    const [near] = duplexPair();
    await assert.rejects(connect(near), withCode('timeout'));
    assert.ok(near.destroyed);
  });

  it('to somebody who speaks something else is closed', async () => {
    const [near, far] = duplexPair();
    far.write('SSH-2.0-OpenSSH_9.2\r\n');
    await assert.rejects(connect(near), withCode('closed'));
  });

  it('that breaks fails what is under way and tells once', async () => {
    const closes: unknown[] = [];
    const { link: made, agent } = await link({ onClose: (error) => void closes.push(error) });
    const request = made.request('blob.missing', { hashes: [] });
    agent.end();
    await assert.rejects(request, withCode('closed'));
    await assert.rejects(made.request('blob.missing', { hashes: [] }), withCode('closed'));
    assert.equal(closes.length, 1);
    assert.ok(made.isClosed);
  });
});

describe('a request', () => {
  it('returns the answer that is its own', async () => {
    const waiting: Request[] = [];
    const { link: made } = await link({}, (request, agent) => {
      waiting.push(request);
      if (waiting.length < 3) return;
      for (const { id } of waiting.reverse()) agent.send({ t: 'res', id, ok: true, result: { missing: [String(id)] } });
    });
    const answers = await Promise.all([1, 2, 3].map(() => made.request('blob.missing', { hashes: [] })));
    assert.deepEqual(answers, [{ missing: ['1'] }, { missing: ['2'] }, { missing: ['3'] }]);
  });

  it('throws what the agent refuses with', async () => {
    const error = { code: 'wrong-state', message: 'not now' };
    const { link: made } = await link({}, ({ id }, agent) => agent.send({ t: 'res', id, ok: false, error }));
    await assert.rejects(
      made.request('job.remove', { job: JOB }),
      (thrown) => withCode('wrong-state')(thrown) && (thrown as Error).message === 'not now',
    );
  });

  it('ends at its deadline or when nobody wants it any more, and a late answer hurts nobody', async () => {
    const { link: made, agent } = await link();
    await assert.rejects(made.request('job.remove', { job: JOB }, { timeoutMs: 20 }), withCode('timeout'));
    const abort = new AbortController();
    const request = made.request('job.remove', { job: JOB }, { signal: abort.signal });
    abort.abort(new Error('never mind'));
    await assert.rejects(request, /never mind/);
    for (const id of [1, 2, 77]) agent.send({ t: 'res', id, ok: true, result: {} });
    await sleep(20);
    assert.ok(!made.isClosed);
  });
});

describe('what the agent sends', () => {
  it('is acknowledged when it is stored, not when it comes', async () => {
    const stored = Promise.withResolvers<void>();
    const { agent, said } = await link({ onEvent: () => stored.promise });
    agent.send({ t: 'event', seq: 5, at: 1, event: { kind: 'job-ready', job: JOB } });
    await sleep(20);
    assert.equal(said.length, 0);
    stored.resolve();
    await sleep(20);
    assert.deepEqual(
      said.map((frame) => frame.header),
      [{ t: 'ack', seq: 5 }],
    );
  });

  it('is offered again until it is taken, in order, and one log does not hold up another', async () => {
    const taken: string[] = [];
    let refusals = 3;
    const { agent, said } = await link({
      onLog: async (job, offset, _at, bytes) => {
        if (job === JOB && refusals-- > 0) throw new Error('not now');
        taken.push(`${job}@${offset}:${Buffer.from(bytes)}`);
      },
    });
    agent.send({ t: 'log', job: JOB, offset: 0, at: 1 }, Buffer.from('one'));
    agent.send({ t: 'log', job: JOB, offset: 3, at: 1 }, Buffer.from('two'));
    agent.send({ t: 'log', job: 'j2', offset: 0, at: 1 }, Buffer.from('other'));
    await sleep(1_200);
    assert.deepEqual(taken, ['j2@0:other', 'j1@0:one', 'j1@3:two']);
    assert.deepEqual(
      said.map((frame) => frame.header),
      [
        { t: 'logAck', job: 'j2', offset: 5 },
        { t: 'logAck', job: 'j1', offset: 3 },
        { t: 'logAck', job: 'j1', offset: 6 },
      ],
    );
  });

  it('closes the link when it is not of the protocol', async () => {
    const closes: unknown[] = [];
    const { agent } = await link({ onClose: (error) => void closes.push(error) });
    agent.send({ t: 'log', job: '../..', offset: 0, at: 1 });
    await sleep(20);
    assert.equal(closes.length, 1);
  });
});

describe('a blob', () => {
  const bytes = randomBytes(2_500_000);
  const hash = createHash('sha256').update(bytes).digest('hex') as BlobHash;

  it('goes over in pieces, in order, the last one marked', async () => {
    const received: Uint8Array[] = [];
    const flags: boolean[] = [];
    const { link: made } = await link({}, ({ id, params }, agent, payload) => {
      const { offset, last } = params as { offset: number; last: boolean };
      assert.equal(
        offset,
        received.reduce((sum, piece) => sum + piece.length, 0),
      );
      received.push(payload);
      flags.push(last);
      setTimeout(() => agent.send({ t: 'res', id, ok: true, result: {} }), 5);
    });
    await made.putBlob(hash, Readable.from([bytes.subarray(0, 7), bytes.subarray(7)]));
    assert.ok(Buffer.concat(received).equals(bytes));
    assert.deepEqual(flags, [false, false, false, false, true]);
  });

  it('that two jobs need at once goes over once', async () => {
    let pieces = 0;
    const { link: made } = await link({}, ({ id }, agent) => {
      pieces += 1;
      setTimeout(() => agent.send({ t: 'res', id, ok: true, result: {} }), 5);
    });
    await Promise.all([made.putBlob(hash, Readable.from([bytes])), made.putBlob(hash, Readable.from([bytes]))]);
    assert.equal(pieces, 5);
  });

  it('that the agent refuses fails', async () => {
    const error = { code: 'hash-mismatch', message: 'other bytes' };
    const { link: made } = await link({}, ({ id }, agent) => agent.send({ t: 'res', id, ok: false, error }));
    await assert.rejects(made.putBlob(hash, Readable.from([bytes])), withCode('hash-mismatch'));
  });

  it('whose source breaks fails', async () => {
    const { link: made } = await link({}, ({ id }, agent) => agent.send({ t: 'res', id, ok: true, result: {} }));
    const source = new PassThrough();
    const putting = made.putBlob(hash, source);
    source.destroy(new Error('the file went away'));
    await assert.rejects(putting, /the file went away/);
  });
});

describe('artifacts', () => {
  it('are read to the end, no faster than they are written', async () => {
    const pieces = [randomBytes(100_000), randomBytes(100_000), randomBytes(5)];
    const { link: made } = await link({}, ({ id, params }, agent) => {
      const { offset } = params as { offset: number };
      const index = Math.round(offset / 100_000);
      agent.send({ t: 'res', id, ok: true, result: { last: index === 2 } }, pieces[index]);
    });
    const target = new PassThrough();
    const [read] = await Promise.all([buffer(target), made.readArtifacts(JOB, target)]);
    assert.ok(read.equals(Buffer.concat(pieces)));
  });

  it('that cannot be written anywhere fail', async () => {
    const { link: made } = await link({}, ({ id }, agent) => {
      agent.send({ t: 'res', id, ok: true, result: { last: false } }, randomBytes(100_000));
    });
    const full = new Writable({ write: (_chunk, _encoding, done) => done(new Error('no space')) });
    await assert.rejects(made.readArtifacts(JOB, full), /no space/);
  });
});
