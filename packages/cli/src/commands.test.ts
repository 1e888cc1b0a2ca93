import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { json, logEvent, refuse, startFakeServer, stream } from '@berth/client/fake-server';
import { COMMANDS } from './command-table.ts';
import { BIN, world } from './testing/berth.ts';
import {
  catalogOfferView,
  doneRun,
  gpuView,
  instanceView,
  jobView,
  marketView,
  planView,
  runView,
  sourceView,
} from './testing/views.ts';

const P = '/projects/main';

test('every command can be loaded and explains itself', async () => {
  await using w = await world(null);
  for (const { name, summary } of COMMANDS) {
    const result = await w.berth([...name.split(' '), '--help']);
    assert.equal(result.code, 0, `${name}: ${result.stderr}`);
    assert.match(result.stdout, new RegExp(`^Usage: berth ${name} `), name);
    assert.ok(result.stdout.includes(summary), name);
  }
});

test('a word that is no command gets the nearest one, exit code 2', async () => {
  await using w = await world(null);
  for (const [words, hint] of [
    [['stauts'], 'see `berth --help`'],
    [['lgos', 'x'], 'did you mean `berth logs`?'],
    [['fleet', 'lst'], 'did you mean `berth fleet list`?'],
    [['run'], 'one of `get`, `delete`, `artifacts`'],
    [['ps', '--wach'], 'did you mean `--watch`?'],
    [['ps', 'extra'], 'see `berth ps --help`'],
    [['logs'], 'see `berth logs --help`'],
  ] as const) {
    const result = await w.berth(words);
    assert.equal(result.code, 2, words.join(' '));
    assert.equal(result.stdout, '');
    assert.match(result.stderr, /^error: /);
    assert.ok(result.stderr.includes(`hint: ${hint}`), result.stderr);
  }
});

test('a list in a pipe is plain and whole; `--json` is what the server said', async () => {
  await using server = await startFakeServer();
  await using w = await world(server.url);
  const long = 'a-name-that-goes-on-and-on-and-on-until-nobody-reads-it-any-more';
  const runs = [
    runView({ name: long }),
    runView({ name: 'failed-one', status: 'failed', exit_status: 3, jobs: [jobView({ exit_status: 3 })] }),
  ];
  server.on(`GET ${P}/runs`, json({ runs, next: null }));
  const table = await w.berth(['ps']);
  assert.match(table.stdout, new RegExp(`${long}  running`));
  assert.match(table.stdout, /failed-one +failed \(exit 3\) +\$1\.50 +\$0\.02 +ada/);
  assert.doesNotMatch(table.stdout, /\x1b/);
  const printed = await w.berth(['ps', '--json']);
  assert.deepEqual(JSON.parse(printed.stdout), { runs });
});

test('`ps` asks for live runs, for all pages with `--all`, and tells of the last run when none lives', async () => {
  await using server = await startFakeServer();
  await using w = await world(server.url);
  server.on(
    `GET ${P}/runs`,
    json({ runs: [], next: null }),
    json({ runs: [doneRun({ name: 'the-last' })], next: null }),
    json({ runs: [runView({ name: 'one' })], next: 'page-2' }),
    json({ runs: [runView({ name: 'two' })], next: null }),
  );
  const none = await w.berth(['ps']);
  assert.match(none.stdout, /^Nothing runs\. The last one:\n.*\nthe-last +done/);
  const all = await w.berth(['ps', '-a']);
  assert.match(all.stdout, /one[\s\S]*two/);
  assert.deepEqual(
    server.seen.map(({ query }) => [query.get('live'), query.get('after')]),
    [
      ['true', null],
      [null, null],
      [null, null],
      [null, 'page-2'],
    ],
  );
});

test('on a narrow terminal lines are cut, and colours are used unless NO_COLOR is set', {
  skip: !hasScript() && 'no `script` here',
}, async () => {
  await using server = await startFakeServer();
  await using w = await world(server.url);
  server.on(
    `GET ${P}/runs`,
    json({ runs: [runView({ name: 'a-rather-long-name-for-a-run', message: 'm'.repeat(80) })], next: null }),
  );
  const onTerminal = (columns: number, env = '') => {
    const command = `stty cols ${columns}; ${env} TERM=xterm '${process.execPath}' '${BIN}' ps`;
    // Node takes a terminal under CI for one without colours.
    const { BERTH_PROJECT: _, NO_COLOR: _no, FORCE_COLOR: _force, CI: _ci, ...rest } = process.env;
    // The fake server lives in this process, so it must go on working while the command runs.
    return new Promise<string>((resolve, reject) => {
      import('node:child_process').then(({ execFile }) =>
        execFile(
          'script',
          ['-qec', command, '/dev/null'],
          { env: { ...rest, BERTH_SERVER_URL: server.url, BERTH_TOKEN: 't', BERTH_HOME: w.home } },
          (error, stdout) => (error === null ? resolve(stdout) : reject(error)),
        ),
      );
    });
  };
  const narrow = await onTerminal(40, 'NO_COLOR=1');
  assert.doesNotMatch(narrow, /\x1b\[\d+m/);
  const lines = narrow.trimEnd().split('\r\n');
  assert.ok(
    lines.every((line) => line.length <= 40),
    narrow,
  );
  assert.match(narrow, /a-rather-lon\S*…/);
  assert.match(await onTerminal(200), /\x1b\[36m/);
});

test('an error is what, why and what to do on standard error; with `--json` an object on standard output', async () => {
  await using server = await startFakeServer();
  await using w = await world(server.url);
  server.on(`GET ${P}/runs/gone`, refuse(404, 'not-found', 'There is no run gone.', 'did you mean `gong`?'));
  const plain = await w.berth(['run', 'get', 'gone']);
  assert.deepEqual([plain.code, plain.stdout], [2, '']);
  assert.equal(plain.stderr, 'error: There is no run gone.\n  hint: did you mean `gong`?\n');
  const asJson = await w.berth(['run', 'get', 'gone', '--json']);
  assert.equal(asJson.code, 2);
  assert.partialDeepStrictEqual(JSON.parse(asJson.stdout), {
    error: { code: 'not-found', message: 'There is no run gone.' },
  });
});

test('who is to blame shows in the exit code: 2 for the user, 1 for anybody else', async () => {
  await using server = await startFakeServer();
  await using w = await world(server.url);
  for (const [status, code, exit] of [
    [401, 'unauthenticated', 2],
    [403, 'forbidden', 2],
    [409, 'conflict', 2],
    [500, 'internal', 1],
    [422, 'no-offers', 1],
  ] as const) {
    server.on(`GET ${P}/backends`, refuse(status, code, 'x'));
    assert.equal((await w.berth(['backend', 'list'])).code, exit, code);
  }
});

test('a server that is not there is named, with what to do', async () => {
  const url = await closedPort();
  await using w = await world(url);
  const result = await w.berth(['ps']);
  assert.equal(result.code, 1);
  assert.match(result.stderr, new RegExp(`^error: nobody answers at ${url}\n {2}hint: `));
});

test('a URL without a token is a mistake of the caller', async () => {
  await using w = await world(null);
  const result = await w.berth(['ps'], { env: { BERTH_SERVER_URL: 'http://127.0.0.1:1' } });
  assert.equal(result.code, 2);
  assert.match(result.stderr, /BERTH_TOKEN is not/);
  const nonsense = await w.berth(['ps'], { env: { BERTH_SERVER_URL: 'there', BERTH_TOKEN: 't' } });
  assert.equal(nonsense.code, 2);
});

test('the project is that of the option, before the environment, before `main`', async () => {
  await using server = await startFakeServer();
  await using w = await world(server.url);
  for (const project of ['main', 'team', 'other']) server.on(`GET /projects/${project}/secrets`, json([]));
  await w.berth(['secret', 'list']);
  await w.berth(['secret', 'list'], { env: { BERTH_PROJECT: 'team' } });
  await w.berth(['secret', 'list', '--project', 'other'], { env: { BERTH_PROJECT: 'team' } });
  await w.berth(['--project=other', 'secret', 'list'], { env: { BERTH_PROJECT: 'team' } });
  assert.deepEqual(
    server.seen.map(({ path }) => path.split('/')[2]),
    ['main', 'team', 'other', 'other'],
  );
});

test('the log comes out as the bytes that went in', async () => {
  await using server = await startFakeServer();
  await using w = await world(server.url);
  const bytes = Buffer.concat([
    Buffer.from('\x1b[31mred\x1b[0m\r'),
    Buffer.from([0, 255, 254, 10, 195]),
    Buffer.from('no end'),
  ]);
  server.on(`GET ${P}/runs/r/logs`, stream([logEvent(0, bytes.subarray(0, 15)), logEvent(15, bytes.subarray(15))]));
  const result = await w.berth(['logs', 'r', '--node', '2', '--since', '2026-05-01T12:00Z']);
  assert.equal(result.code, 0);
  assert.deepEqual(result.raw, bytes);
  const query = server.seen[0]?.query;
  assert.equal(query?.get('node'), '2');
  assert.equal(query?.get('since'), String(Date.UTC(2026, 4, 1, 12)));
  assert.equal(query?.get('follow'), null);
});

test('a reader that has had enough ends the command without a word', async () => {
  await using server = await startFakeServer();
  await using w = await world(server.url);
  const line = 'x'.repeat(99_999);
  server.on(`GET ${P}/runs/r/logs`, stream(Array.from({ length: 40 }, (_, i) => logEvent(i * 100_000, `${line}\n`))));
  const command = w.start(['logs', 'r']);
  command.child.stdout?.once('data', () => command.child.stdout?.destroy());
  const result = await command.done;
  assert.deepEqual([result.code, result.signal, result.stderr], [0, null, '']);
});

test('stopping wants a yes, says what became of it, and stops nothing when one of the names is wrong', async () => {
  await using server = await startFakeServer();
  await using w = await world(server.url);
  server.on(`GET ${P}/runs/a`, json(runView({ name: 'a' })));
  server.on(`POST ${P}/runs/a/stop`, json(runView({ name: 'a', status: 'terminating' })));
  const unasked = await w.berth(['stop', 'a']);
  assert.equal(unasked.code, 2);
  assert.match(unasked.stderr, /hint: .*`-y`/);
  const wrong = await w.berth(['stop', 'a', 'b']);
  assert.equal(wrong.code, 2);
  assert.ok(!server.seen.some(({ method }) => method === 'POST'));
  const stopped = await w.berth(['stop', '-y', '-x', 'a']);
  assert.deepEqual([stopped.code, stopped.stdout], [0, 'a: stopping\n']);
  assert.deepEqual(JSON.parse(String(server.seen.at(-1)?.body)), { abort: true });
  server.on(`POST ${P}/runs/a/stop`, json(runView({ name: 'a', status: 'terminated' })));
  assert.equal((await w.berth(['stop', '-y', 'a'])).stdout, 'a: has ended already (stopped)\n', 'as `ps` calls it');
});

test('bug: a mistake in config.yml was told with its path twice and without its line', async () => {
  await using w = await world(null);
  await w.write(join(w.home, 'server', 'config.yml'), 'catalog:\n  url: ./prices\n');
  const { code, stderr } = await w.berth(['catalog', 'status']);
  assert.equal(code, 2);
  assert.match(stderr, /\n {2}2:8 {2}catalog\.url: must be an address/);
});

test('bug: the configuration that lies here was not named, when no file was', async () => {
  await using w = await world(null);
  await w.write('train.berth.yml', 'type: task\ncommands: [x]\n');
  assert.match(
    (await w.berth(['apply'])).stderr,
    /^error: there is no \.berth\.yml .*\n {2}hint: .*`-f train\.berth\.yml`/,
  );
  await w.write('eval.berth.yml', 'type: task\ncommands: [x]\n');
  assert.match((await w.berth(['apply'])).stderr, /`-f FILE`/, 'of two, neither is meant more');
});

test('offers are asked for with what the flags say, and a flag that makes no sense is named', async () => {
  await using server = await startFakeServer();
  await using w = await world(server.url);
  const sources = [sourceView({ source: 'gcp', state: 'failed', reason: 'no answer within 30 s' })];
  server.on(`POST ${P}/offers/market`, json(marketView({ offers: [catalogOfferView()], total: 3, sources })));
  const result = await w.berth(['offer', '--gpu', 'H100:8', '--spot', '-b', 'aws', '-b', 'gcp', '--max-price', '100']);
  assert.equal(result.code, 0, result.stderr);
  assert.match(
    result.stdout,
    /aws +eu-1a +p5\.48xlarge +192 CPU, 2TB, H100:80GB x8 +on-demand +\$98\.32 +\$12\.29 +available/,
  );
  assert.match(result.stdout, /and 2 more offers/);
  assert.match(result.stderr, /gcp could not be asked \(no answer within 30 s\)/);
  assert.deepEqual(JSON.parse(String(server.seen[0]?.body)), {
    backends: ['aws', 'gcp'],
    capacity_types: ['spot'],
    gpu: { names: ['H100'], count: { min: 8, max: 8 } },
    price_per_hour: { max: 100 },
    limit: 20,
  });
  const bad = await w.berth(['offer', '--gpu', 'H100:8..2']);
  assert.equal(bad.code, 2);
  assert.match(bad.stderr, /^error: --gpu: /);
  const both = await w.berth(['offer', '--spot', '--on-demand']);
  assert.equal(both.code, 2);
  assert.equal(server.seen.length, 1, 'mistakes are found before anybody is asked');
});

test('where nothing fits, the flags that are in the way are named, with what there is without them', async () => {
  await using server = await startFakeServer();
  await using w = await world(server.url);
  const obstacles = [
    { filter: 'regions + price_per_hour', total_without: 1, total_alone: 0, cheapest_without: catalogOfferView() },
  ];
  server.on(`POST ${P}/offers/market`, json(marketView({ obstacles })));
  assert.equal(
    (await w.berth(['offer', '--region', 'mars', '--max-price', '1'])).stdout,
    'No offer fits; `--region` and `--max-price` exclude most.\n' +
      '  without `--region` and `--max-price`: 1 offer, from $98.32 per hour (aws p5.48xlarge in eu-1a, on-demand)\n',
  );
});

test('without flags, offer shows what the project has, popular accelerators, and how to go on', async () => {
  await using server = await startFakeServer();
  await using w = await world(server.url);
  server.on(
    `POST ${P}/offers/market`,
    json(marketView({ offers: [catalogOfferView({ backend: 'local' })], total: 1 })),
  );
  const gpus = [gpuView(), gpuView({ name: 'K80' }), gpuView({ name: 'B200', offers: 0 })];
  server.on('GET /catalog/gpus', json({ gpus, sources: [sourceView({ source: 'starter', kind: 'starter' })] }));
  const { stdout, stderr } = await w.berth(['offer']);
  assert.match(stdout, /^BACKEND.*\nlocal /);
  assert.match(stdout, /\nH100 +80GB +nvidia +\$2\.00 +\$1\.50 +12 +aws, gcp\n/);
  assert.doesNotMatch(stdout, /K80|B200/, 'neither what nobody asks for nor what nobody sells');
  assert.match(stdout, /berth offer --gpu/);
  assert.match(stderr, /note: prices of 1970-01-01 that ship with Berth/);
  assert.match((await w.berth(['gpus'])).stdout, /H100.*\n.*K80/);
  assert.equal(JSON.parse((await w.berth(['gpus', '--all', '--json'])).stdout).gpus.length, 3);
});

test('bug: a fleet that is full was explained as offers that do not fit', async () => {
  await using server = await startFakeServer();
  await using w = await world(server.url);
  await w.write('task.yml', 'type: task\nname: x\ncommands: [x]\nfleets: [pool]\n');
  const reason = 'Fleet pool is full, with 1 of at most 1 instance: pool-0 runs long.';
  const offers = { offers: [], total: 0, sources: [], misfits: [{ reason, count: 0 }] };
  server.on(`POST ${P}/runs/plan`, json(planView({ offers, price_per_hour: null })));
  const { stdout } = await w.berth(['apply', '--dry-run', '--no-repo', '-f', 'task.yml']);
  assert.match(
    stdout,
    /Per hour +nothing fits at present\n\nFleet pool is full, with 1 of at most 1 instance: pool-0 runs long\.\n$/,
  );
  const job = jobView({ status: 'failed', message: reason.slice(0, -1) });
  server.on(`GET ${P}/runs/x`, json(runView({ status: 'failed', message: reason, jobs: [job] })));
  assert.equal((await w.berth(['run', 'get', 'x'])).stdout.split('is full').length - 1, 1, 'it is said once');
});

test('bug: attempts counted from 0 in one place and from 1 in another: people count from 1, JSON from 0', async () => {
  await using server = await startFakeServer();
  await using w = await world(server.url);
  server.on(`GET ${P}/runs/x/logs`, stream([]));
  const asked = async (...words: string[]) => {
    assert.equal((await w.berth(['logs', 'x', ...words])).code, 0);
    return server.seen.at(-1)?.query.get('submission') ?? null;
  };
  assert.equal(await asked('--attempt', '2'), '1');
  assert.equal(await asked('--submission', '1'), '1');
  assert.equal(await asked(), null);
  assert.equal((await w.berth(['logs', 'x', '--attempt', '0'])).code, 2);
  assert.equal((await w.berth(['logs', 'x', '--attempt', '1', '--submission', '0'])).code, 2);
  const jobs = [jobView({ submission: 0, status: 'failed' }), jobView({ submission: 1 })];
  server.on(`GET ${P}/runs/x`, json(runView({ jobs })));
  const { stdout } = await w.berth(['run', 'get', 'x', '--all-jobs']);
  assert.match(stdout, /\nNODE {2}ATTEMPT {2}STATUS .*\n +0 +1 {2}failed .*\n +0 +2 {2}running /);
  const shown = JSON.parse((await w.berth(['run', 'get', 'x', '--json'])).stdout);
  assert.deepEqual(
    shown.jobs.map(({ submission }: { submission: number }) => submission),
    [0, 1],
  );
});

test('bug: `ps --watch --json` printed tables', async () => {
  await using server = await startFakeServer();
  await using w = await world(server.url);
  const state = (status: 'running' | 'done') => json({ runs: [runView({ status })], next: null });
  server.on(`GET ${P}/runs`, state('running'), state('done'));
  const event = { id: '1', at: 1, actor: null, kind: 'run.done', message: '', target: {}, run: null, details: {} };
  server.on(`GET ${P}/events/watch`, stream([{ event: 'event', data: event }], 'hang'));
  const watching = w.start(['ps', '--watch', '--json']);
  await watching.sees('"done"');
  watching.child.kill('SIGKILL');
  const lines = (await watching.done).stdout.trim().split('\n');
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).runs[0].status),
    ['running', 'done'],
  );
});

test('a secret comes from standard input without its last line break, and goes out as it is', async () => {
  await using server = await startFakeServer();
  await using w = await world(server.url);
  server.on(`PUT ${P}/secrets/KEY`, json({}));
  server.on(`GET ${P}/secrets/KEY`, json({ name: 'KEY', value: 'a\nb', updated_at: 0 }));
  await w.berth(['secret', 'set', 'KEY'], { input: 'a\nb\n' });
  await w.berth(['secret', 'set', 'KEY', '--keep-newline'], { input: 'a\n' });
  await w.berth(['secret', 'set', 'KEY', 'given']);
  assert.deepEqual(
    server.seen.map(({ body }) => JSON.parse(String(body)).value),
    ['a\nb', 'a\n', 'given'],
  );
  assert.equal((await w.berth(['secret', 'get', 'KEY'])).stdout, 'a\nb');
  assert.equal((await w.berth(['secret', 'set', 'KEY'], { input: '\n' })).code, 2);
});

test('a new token stands alone on standard output', async () => {
  await using server = await startFakeServer();
  await using w = await world(server.url);
  const user = { id: 'u', name: 'bob', email: null, global_role: 'user', active: true, created_at: 0 };
  server.on('POST /users', json({ user, token: 'berth_abc' }));
  const created = await w.berth(['user', 'create', 'bob', '--email', 'b@x']);
  assert.equal(created.stdout, 'berth_abc\n');
  server.on('GET /users/me', json(user));
  const info = {
    id: 't',
    name: 'ci',
    prefix: 'berth_',
    scope: 'read',
    project: 'team',
    created_at: 0,
    expires_at: null,
    last_used_at: null,
  };
  server.on('POST /users/bob/tokens', json({ token: 'berth_def', info }));
  const token = await w.berth([
    'user',
    'token',
    'create',
    'ci',
    '--scope',
    'read',
    '--only-project',
    'team',
    '--expires',
    '30d',
  ]);
  assert.equal(token.stdout, 'berth_def\n');
  assert.deepEqual(JSON.parse(String(server.seen.at(-1)?.body)), {
    name: 'ci',
    scope: 'read',
    project: 'team',
    expires_in_ms: 30 * 86_400_000,
  });
  const nothing = await w.berth(['user', 'update', 'bob']);
  assert.equal(nothing.code, 2);
});

test('events are shown oldest first, and `--watch` goes on after the last one', async () => {
  await using server = await startFakeServer();
  await using w = await world(server.url);
  const event = (id: string, message: string) => ({
    id,
    at: 0,
    actor: null,
    kind: 'run.done',
    message,
    target: { kind: 'run', id: 'r', name: 'r' },
    run: 'r',
    details: {},
  });
  server.on(`GET ${P}/events`, json({ events: [event('2', 'second'), event('1', 'first')], next: null }));
  assert.match((await w.berth(['event', 'list'])).stdout, /first[\s\S]*second/);
  server.on(
    `GET ${P}/events/watch`,
    stream([
      { event: 'event', id: '2', data: event('2', 'second') },
      { event: 'event', id: '3', data: event('3', 'third') },
    ]),
  );
  const watched = await w.berth(['event', 'list', '--run', 'r', '-w', '--json']);
  const ids = watched.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).id);
  assert.deepEqual(ids, ['1', '2', '3'], 'none twice');
  assert.equal(server.seen.at(-1)?.headers['last-event-id'], '2');
  assert.equal(server.seen.at(-1)?.query.get('run'), 'r');
});

test('what happened to a job is told with the name of its run', async () => {
  await using server = await startFakeServer();
  await using w = await world(server.url);
  const event = (run: string | null, kind: string, name: string) => ({
    id: `${run}-${kind}`,
    at: 0,
    actor: null,
    kind: `${kind}.running`,
    message: 'is running',
    target: { kind, id: 'x', name },
    run,
    details: {},
  });
  const one = event('quickstart', 'job', 'node 0');
  const others = [event('other', 'job', 'node 0'), event('other', 'run', 'other'), event(null, 'job', 'node 0')];
  server.on(`GET ${P}/events`, json({ events: [...others.toReversed(), one], next: null }));
  const listed = (await w.berth(['event', 'list'])).stdout.split('\n');
  for (const [line, about] of ['quickstart node 0', 'other node 0', 'run other', 'job node 0'].entries())
    assert.match(listed[line + 1] ?? '', new RegExp(`  ${about}  `));
  server.on(`GET ${P}/events/watch`, stream([]));
  assert.match((await w.berth(['event', 'list', '-w'])).stdout, / {2}quickstart node 0 {2}is running\n/);
});

test('a user is let into the project with a role, listed, and taken out after a yes', async () => {
  await using server = await startFakeServer();
  await using w = await world(server.url);
  const members = [
    { user: 'ada', role: 'admin' },
    { user: 'bob', role: 'user' },
  ];
  const project = { id: 'p', name: 'main', owner: 'ada', created_at: 0, members };
  server.on(`GET ${P}`, json(project));
  server.on(`PUT ${P}/members/bob`, json(project));
  server.on(`DELETE ${P}/members/bob`, json(project));
  const member = (...words: string[]) => w.berth(['project', 'member', ...words]);
  assert.equal((await member('add', 'bob')).stdout, 'bob: is user of main\n');
  assert.equal((await member('add', 'bob', '--role', 'manager')).stdout, 'bob: is manager of main\n');
  assert.equal((await member('add', 'bob', '--role', 'king')).code, 2);
  assert.deepEqual(
    server.seen.map(({ body }) => JSON.parse(String(body))),
    [{}, { role: 'manager' }],
  );
  assert.match((await member('list')).stdout, /^USER +ROLE\s+ada +admin\s+bob +user\n$/);
  assert.deepEqual(JSON.parse((await member('list', '--json')).stdout), members);
  assert.equal((await member('remove', 'bob')).code, 2);
  assert.ok(!server.seen.some(({ method }) => method === 'DELETE'));
  assert.equal((await member('remove', 'bob', '-y')).stdout, 'bob: removed\n');
  assert.equal(server.seen.at(-1)?.method, 'DELETE');
});

test('lists that are empty say so', async () => {
  await using server = await startFakeServer();
  await using w = await world(server.url);
  for (const path of ['instances', 'fleets', 'backends', 'secrets']) server.on(`GET ${P}/${path}`, json([]));
  for (const noun of ['instance', 'fleet', 'backend', 'secret']) {
    const result = await w.berth([noun, 'list']);
    assert.match(result.stdout, /no /, noun);
    assert.equal((await w.berth([noun, 'list', '--json'])).stdout, '[]\n');
  }
  server.on(`GET ${P}/instances`, json([instanceView({ runs: ['a', 'b'], status: 'busy' })]));
  assert.match((await w.berth(['instance', 'list'])).stdout, /my-fleet-0 +busy +local\/here .* a, b/);
});

test('text of others cannot steer the terminal', async () => {
  await using server = await startFakeServer();
  await using w = await world(server.url);
  const message = 'ok\x1b[2J\x1b]0;pwned\x07\nnext';
  server.on(`GET ${P}/runs`, json({ runs: [runView({ message })], next: null }));
  const { stdout } = await w.berth(['ps']);
  assert.doesNotMatch(stdout, /[\x1b\x07]/);
  assert.match(stdout, /next/);
});

test('the JSON Schema is one that editors understand', async () => {
  await using w = await world(null);
  const schema = JSON.parse((await w.berth(['schema'])).stdout);
  assert.match(schema.$schema, /json-schema/);
  assert.ok(schema.anyOf.length >= 2);
});

test('completion scripts are accepted by their shells and know every command', async () => {
  await using w = await world(null);
  const bash = (await w.berth(['completion', 'bash'])).stdout;
  const path = await w.write('berth.bash', bash);
  execFileSync('bash', ['-n', path]);
  const complete = (line: string) => {
    const words = line.split(' ');
    const script = `source '${path}'; COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _berth; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return execFileSync('bash', ['-c', script], { encoding: 'utf8' }).trim().split('\n');
  };
  assert.deepEqual(complete('berth ap'), ['apply']);
  assert.deepEqual(complete('berth user to'), ['token']);
  assert.deepEqual(complete('berth user token r'), ['revoke']);
  assert.ok(complete('berth apply --').includes('--detach'));
  assert.ok(complete('berth ps -a --').includes('--watch'));
  assert.deepEqual(complete('berth completion f'), ['fish']);
  for (const shell of ['zsh', 'fish']) {
    const script = await w.write(`berth.${shell}`, (await w.berth(['completion', shell])).stdout);
    const parsed = spawnSync(shell, ['-n', script]);
    if (parsed.error === undefined) assert.equal(parsed.status, 0, String(parsed.stderr));
  }
  assert.equal((await w.berth(['completion', 'tcsh'])).code, 2);
});

async function closedPort(): Promise<string> {
  await using server = await startFakeServer();
  return server.url;
}

function hasScript(): boolean {
  return spawnSync('script', ['--version']).error === undefined;
}
