import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { json, logEvent, refuse, startFakeServer, stream } from '@berth/client/fake-server';
import { world } from '../testing/berth.ts';
import { doneRun, jobView, planView, runView } from '../testing/views.ts';
import { printable, printableLine } from './printable.ts';
import { styledFor, unsealed } from './style.ts';

const P = '/projects/main';
/** Clears the screen, names the window, reads backwards, goes to the line's start. */
const EVIL = 'a\x1b[2J\x1b]0;pwned\x07\u202eb\u009b1mc\rd';
const SHOWN = 'a\\x1b[2J\\x1b]0;pwned\\x07\\u202eb\\x9b1mc\\x0dd';
const OBEYED = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

test('what a terminal would obey is shown, and everything else stays', () => {
  assert.equal(printable(EVIL), SHOWN);
  assert.equal(printable(SHOWN), SHOWN);
  assert.equal(printable('ä 漢字 👩‍🔬\n\tעברית ✓'), 'ä 漢字 👩‍🔬\n\tעברית ✓');
  assert.equal(printable('zero\u200bwidth\ufeff\u2028\u2066x\u2069'), 'zero\\u200bwidth\\ufeff\\u2028\\u2066x\\u2069');
  assert.equal(printable('dos\r\nlines'), 'dos\nlines');
  assert.equal(printableLine(' one\n  two\tthree '), 'one two three');
});

test('a style of ours comes through, one that others wrote into their text does not', () => {
  const colours = Object.assign(new PassThrough(), {
    isTTY: true,
    getColorDepth: () => 8,
  }) as unknown as NodeJS.WriteStream; // all that is asked of it
  const before = process.env.FORCE_COLOR;
  process.env.FORCE_COLOR = '1';
  try {
    const inner = styledFor(colours, 'red', 'x\x1b[5my');
    assert.equal(
      unsealed(`${styledFor(colours, 'bold', inner)} \x1b[5mz`),
      '\x1b[1m\x1b[31mx\\x1b[5my\x1b[39m\x1b[22m \\x1b[5mz',
    );
  } finally {
    if (before === undefined) delete process.env.FORCE_COLOR;
    else process.env.FORCE_COLOR = before;
  }
});

test('text goes to the terminal through one door: who writes past it is listed here, with the reason', async () => {
  const sources = new URL('..', import.meta.url);
  const past: string[] = [];
  for (const entry of await readdir(sources, { recursive: true })) {
    if (!entry.endsWith('.ts') || entry.includes('.test.') || entry.startsWith('testing/')) continue;
    const text = await readFile(new URL(entry, sources), 'utf8');
    if (/process\.std(out|err)\.write/.test(text)) past.push(entry);
  }
  assert.deepEqual(past.sort(), [
    'command.ts', // help, which is ours
    'commands/complete-names.ts', // names that were checked, for a shell
    'commands/completion.ts', // a script of ours
    'commands/event/list.ts', // JSON
    'commands/schema.ts', // JSON
    'commands/secret/get.ts', // a secret into a pipe, exactly
    'output/confirm.ts', // the library's own way of drawing a prompt
    'output/error.ts', // JSON
    'output/json.ts',
    'output/pipe.ts', // the log of a job, byte for byte
    'output/write.ts', // the door
    'watch-runs.ts', // JSON
  ]);
});

test('bug: commands of the plan, messages of runs, jobs and events, and errors reached the terminal as they came', async () => {
  await using server = await startFakeServer();
  await using w = await world(server.url);
  await w.write('task.yml', 'type: task\nname: my-run\ncommands:\n  - "true"\n');
  server.onAny('PUT', `${P}/blobs/`, json({}));
  server.on(`POST ${P}/blobs/missing`, json({ missing: [] }));
  server.on(
    `POST ${P}/runs/plan`,
    json(planView({ configuration: { type: 'task', commands: [EVIL], image: EVIL, resources: { cpu: EVIL } } })),
  );
  server.on(`POST ${P}/runs`, json(runView()));
  const failed = doneRun({ status: 'failed', message: EVIL, jobs: [jobView({ status: 'failed', message: EVIL })] });
  server.on(`GET ${P}/runs/run-1/watch`, stream([{ event: 'run', data: failed }]));
  server.on(`GET ${P}/runs/run-1/logs`, stream([logEvent(0, EVIL)]));
  const applied = await w.berth(['apply', '-y', '-f', 'task.yml']);
  assert.equal(applied.stdout, EVIL, "a job's log stays as it is");
  assert.doesNotMatch(applied.stderr, OBEYED);
  assert.equal(applied.stderr.split(SHOWN).length - 1, 4, applied.stderr);

  server.on(`GET ${P}/runs/my-run`, json(failed));
  const got = await w.berth(['run', 'get', 'my-run']);
  assert.doesNotMatch(got.stdout, OBEYED);
  assert.ok(got.stdout.includes(`Message      ${SHOWN}`), got.stdout);
  assert.deepEqual(JSON.parse((await w.berth(['run', 'get', 'my-run', '--json'])).stdout), failed);

  const event = {
    id: 'event-1',
    at: 1_000,
    actor: EVIL,
    kind: 'run.failed',
    message: `${EVIL}\nsecond`,
    target: { kind: 'run', id: 'run-1', name: EVIL },
    run: 'my-run',
    details: {},
  };
  server.on(`GET ${P}/events`, json({ events: [event], next: null }));
  server.on(`GET ${P}/events/watch`, stream([]));
  for (const words of [[], ['--watch']]) {
    const { stdout } = await w.berth(['event', 'list', ...words]);
    assert.doesNotMatch(stdout, OBEYED);
    assert.match(stdout, /pwned.*second\n/);
  }

  server.on(`GET ${P}/runs/other`, refuse(404, 'not-found', EVIL, EVIL));
  const refused = await w.berth(['run', 'get', 'other']);
  assert.equal(refused.stderr, `error: ${SHOWN}\n  hint: ${SHOWN}\n`);
  const unknown = await w.berth(['p\x1b[2Js']);
  assert.doesNotMatch(unknown.stderr, OBEYED);
});
