import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FrameError } from './frame.ts';
import { METHOD_PARAMS, parseAgentMessage, parseServerMessage } from './message.ts';
import { ShapeError } from './shape.ts';
import { testAssignment } from './testing/assignment.ts';

describe('a message', () => {
  const badFromServer: readonly unknown[] = [
    null,
    [],
    'hello',
    {},
    { t: 'event', seq: 1 },
    { t: 'ack', seq: -1 },
    { t: 'ack', seq: 1.5 },
    { t: 'ack', seq: '1' },
    { t: 'logAck', job: '../../etc', offset: 1 },
    { t: 'hello', protocol: 1, server: 's', secret: 7, instance: 'i', resume: { event: 0, logs: {} } },
    { t: 'hello', protocol: 1, server: 's', secret: 'x', instance: 'i', resume: { event: 0, logs: { a: -1 } } },
    { t: 'req', id: 1 },
  ];
  for (const message of badFromServer) {
    it(`that a server would not send is refused: ${JSON.stringify(message)}`, () => {
      assert.throws(() => parseServerMessage(message), FrameError);
    });
  }

  it('that an agent would not send is refused', () => {
    for (const message of [null, {}, { t: 'constructor' }, { t: 'log', job: 'j', offset: -1, at: 0 }, { t: 'res' }]) {
      assert.throws(() => parseAgentMessage(message), FrameError);
    }
  });

  it('may have keys that this version does not know', () => {
    assert.deepEqual(parseServerMessage({ t: 'ack', seq: 3, later: true }), { t: 'ack', seq: 3 });
  });
});

describe('an assignment', () => {
  it('comes out as it went in', () => {
    const assignment = testAssignment(
      { commands: ['a'], env: { __proto__x: '1' }, ports: [{ container: 80, local: null }], shmMiB: 0.5 },
      { limits: { cpus: 0.5, gpuDevices: ['0'] } },
    );
    assert.deepEqual(METHOD_PARAMS['job.submit']({ assignment }, 'params'), { assignment });
  });

  it('keeps an environment variable named __proto__', () => {
    const assignment = testAssignment({ env: JSON.parse('{"__proto__":"x"}') });
    const parsed = METHOD_PARAMS['job.submit'](JSON.parse(JSON.stringify({ assignment })), 'params');
    assert.deepEqual(Object.entries(parsed.assignment.work.env), [['__proto__', 'x']]);
  });

  const good = testAssignment({});
  const bad: readonly (readonly [string, unknown])[] = [
    ['a job id that leads elsewhere', { ...good, job: '../x' }],
    ['no work', { ...good, work: undefined }],
    ['commands that are no list', { ...good, work: { ...good.work, commands: 'ls' } }],
    [
      'a commit that is an option',
      {
        ...good,
        work: {
          ...good.work,
          code: {
            kind: 'git',
            remote: 'r',
            branch: null,
            commit: '--upload-pack=x',
            diff: null,
            path: '.',
            ifExists: 'skip',
          },
        },
      },
    ],
    [
      'a blob hash that is a path',
      { ...good, work: { ...good.work, files: [{ blob: '../../x', bytes: 1, path: 'x' }] } },
    ],
  ];
  for (const [what, assignment] of bad) {
    it(`with ${what} is refused, and the message says where`, () => {
      assert.throws(
        () => METHOD_PARAMS['job.submit']({ assignment }, 'params'),
        (error) => {
          assert.ok(error instanceof ShapeError);
          assert.match(error.message, /^params\.assignment\./);
          return true;
        },
      );
    });
  }
});
