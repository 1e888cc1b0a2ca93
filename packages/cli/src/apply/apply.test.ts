import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import {
  type FakeServer,
  hangUp,
  json,
  logEvent,
  type Reply,
  refuse,
  startFakeServer,
  stream,
} from '@berth/client/fake-server';
import type { RunView } from '@berth/core/api-schemas';
import { create } from 'tar';
import { BIN, type World, world } from '../testing/berth.ts';
import { doneRun, instanceView, jobView, planView, runView } from '../testing/views.ts';

const P = '/projects/main';
const TASK = 'type: task\nname: my-run\ncommands:\n  - echo hello\n';

interface Scene {
  readonly plan?: Reply;
  readonly end?: RunView;
  readonly log?: string;
}

/** A server on which one run goes well, unless the scene says otherwise. */
function stage(server: FakeServer, scene: Scene = {}): void {
  const end = scene.end ?? doneRun();
  server.on(`POST ${P}/runs/plan`, scene.plan ?? json(planView()));
  server.on(`POST ${P}/blobs/missing`, (response, request) => {
    json({ missing: JSON.parse(String(request.body)).hashes })(response, request);
  });
  server.on(`POST ${P}/runs`, json(runView({ status: 'submitted', jobs: [jobView({ status: 'submitted' })] })));
  const states = [runView({ status: 'provisioning', version: 2 }), runView({ version: 3 }), end];
  server.on(`GET ${P}/runs/run-1/watch`, stream(states.map((data) => ({ event: 'run', data }))));
  server.on(`GET ${P}/runs/run-1/logs`, stream([logEvent(0, scene.log ?? 'hello\n')]));
}

/** Accepts any blob, by its hash. */
function acceptBlobs(server: FakeServer): () => string[] {
  server.onAny('PUT', `${P}/blobs/`, json({}));
  return () => server.seen.filter(({ method }) => method === 'PUT').map(({ path }) => path.split('/').at(-1) ?? '');
}

async function withTask(use: (server: FakeServer, w: World) => Promise<void>, task = TASK): Promise<void> {
  await using server = await startFakeServer();
  await using w = await world(server.url);
  acceptBlobs(server);
  await w.write('task.yml', task);
  await use(server, w);
}

const created = (server: FakeServer) =>
  server.seen.filter(({ method, path }) => method === 'POST' && path === `${P}/runs`);

test('a task is planned, sent, followed and told of; standard output has the log and nothing else', async () => {
  await withTask(async (server, w) => {
    stage(server, { log: '\x1b[1mbold\x1b[0m no newline' });
    const result = await w.berth(['apply', '-y', '-f', 'task.yml']);
    assert.equal(result.code, 0, result.stderr);
    assert.equal(result.stdout, '\x1b[1mbold\x1b[0m no newline');
    assert.match(result.stderr, /Run +my-run \(task\.yml, project main\)/);
    assert.match(result.stderr, /Commands +true/);
    assert.match(result.stderr, /aws +eu-1 .*\$98\.32/);
    assert.match(result.stderr, /my-run: provisioning\nmy-run: running\n/);
    assert.match(result.stderr, /✓ my-run done: exit status 0, 3\.2 s, \$0\.02\n/);
    const [put] = server.seen.filter(({ method }) => method === 'PUT');
    const body = JSON.parse(String(created(server)[0]?.body));
    assert.equal(body.base, null);
    assert.equal(
      body.code.blob,
      createHash('sha256')
        .update(put?.body ?? '')
        .digest('hex'),
    );
    assert.deepEqual(body.configuration, { type: 'task', name: 'my-run', commands: ['echo hello'] });
  });
});

test("the exit code is the job's, or says what ended it", async () => {
  const failed = (job: Parameters<typeof jobView>[0], over: Partial<RunView> = {}) =>
    runView({
      status: 'failed',
      end_reason: 'job-failed',
      finished_at: 3_000,
      jobs: [jobView({ status: 'failed', end_reason: 'exited', ...job })],
      version: 9,
      ...over,
    });
  const cases: [RunView, number, RegExp][] = [
    [failed({ exit_status: 7 }, { exit_status: 7 }), 7, /✗ my-run failed: exit status 7/],
    [failed({ signal: 'SIGKILL' }, { exit_status: 137 }), 137, /ended by SIGKILL/],
    [failed({ signal: 'SIGSEGV' }), 139, /ended by SIGSEGV/],
    [
      failed({ end_reason: 'max-duration', message: 'It ran longer than 1h.' }),
      1,
      /max-duration.*\n {2}It ran longer than 1h\./,
    ],
    [runView({ status: 'failed', end_reason: 'no-capacity', jobs: [], version: 9 }), 1, /no-capacity/],
    [
      runView({ status: 'terminated', end_reason: 'stopped-by-user', jobs: [], version: 9 }),
      130,
      /■ my-run was stopped/,
    ],
  ];
  for (const [end, code, text] of cases) {
    await withTask(async (server, w) => {
      stage(server, { end });
      const result = await w.berth(['apply', '-y', '-f', 'task.yml', '--no-repo']);
      assert.equal(result.code, code, result.stderr);
      assert.match(result.stderr, text);
    });
  }
});

test('a mistake in the file is shown in its place, exit code 2, and no server is asked', async () => {
  const cases: [text: string, places: RegExp[]][] = [
    ['type: task\ncomands: [x]\n', [/task\.yml:2:1 .*`comands`/, /2 \| comands/, /\^/, /did you mean `commands`/]],
    ['type: task\ncommands: [unclosed\n', [/task\.yml:\d+:\d+ /]],
    ['type: task\ncommands: 7\n', [/task\.yml:2:11 /]],
    ['type: task\ncommands: [x]\nresources:\n  gpu: A100:4..2\n', [/task\.yml:4:8 /]],
    ['type: task\ncommands: [x]\nname: Bad Name\n', [/task\.yml:3:7 .*cannot be a name/]],
    ['type: task\ncommands: [x]\nenv:\n  - BERTH_TEST_UNSET\n', [/task\.yml:4:5 .*BERTH_TEST_UNSET/]],
    ['type: service\nport: 80\n', [/not yet supported/]],
    [
      `a: &a [x,x]\n${'bcdefghij'
        .split('')
        .map(
          (c, i) =>
            `${c}: &${c} [*${'abcdefghi'[i]},*${'abcdefghi'[i]},*${'abcdefghi'[i]},*${'abcdefghi'[i]},*${'abcdefghi'[i]}]`,
        )
        .join('\n')}\n`,
      [/task\.yml/],
    ],
    ['', [/empty/]],
  ];
  for (const [text, places] of cases) {
    await withTask(async (server, w) => {
      const result = await w.berth(['apply', '-y', '-f', 'task.yml']);
      assert.equal(result.code, 2, `${text}\n${result.stderr}`);
      for (const place of places) assert.match(result.stderr, place);
      assert.equal(server.seen.length, 0);
      const asJson = await w.berth(['apply', '-y', '-f', 'task.yml', '--name', 'x y']);
      assert.equal(asJson.code, 2);
    }, text);
  }
});

test('a file that is no file is said so', async () => {
  await withTask(async (server, w) => {
    await mkdir(join(w.cwd, 'folder'));
    await w.write('huge.yml', `type: task\n# ${'x'.repeat(10_000_000)}\n`);
    await w.write('binary.yml', Buffer.from([0xff, 0xfe, 0x00, 0x41]));
    await w.write('closed.yml', TASK);
    await chmod(join(w.cwd, 'closed.yml'), 0);
    const cases: [string, RegExp][] = [
      ['nowhere.yml', /there is no file nowhere\.yml/],
      ['folder', /folder is a directory/],
      ['huge.yml', /huge\.yml is larger than 1 MiB/],
      ['binary.yml', /binary\.yml is not text/],
      ...(process.getuid?.() === 0 ? [] : [['closed.yml', /closed\.yml cannot be read/] as [string, RegExp]]),
    ];
    for (const [file, text] of cases) {
      const result = await w.berth(['apply', '-y', '-f', file]);
      assert.equal(result.code, 2, file);
      assert.match(result.stderr, text);
      assert.match(result.stderr, /hint: /);
    }
    const none = await w.berth(['apply', '-y']);
    assert.equal(none.code, 2);
    assert.match(none.stderr, /no \.berth\.yml or \.dstack\.yml/);
    assert.equal(server.seen.length, 0);
  });
});

test('bug: `-f` with a pipe that nobody writes into waited for ever', { timeout: 30_000 }, async () => {
  await withTask(async (server, w) => {
    stage(server);
    execFileSync('mkfifo', [join(w.cwd, 'pipe')]);
    for (const [file, kind] of [
      ['pipe', 'a named pipe'],
      ['/dev/null', 'a device'],
    ] as const) {
      const result = await w.berth(['apply', '-y', '-d', '-f', file]);
      assert.deepEqual([result.code, result.stderr.split('\n')[0]], [2, `error: ${file} is ${kind}, not a file`]);
    }
    const input = await w.berth(['apply', '-y', '-d', '-f', '/dev/stdin'], { input: TASK });
    assert.equal(input.code, 0, input.stderr);
    const shell = `'${process.execPath}' '${BIN}' apply -y -d --no-repo -f <(cat task.yml)`;
    const { env } = w;
    const substituted = await promisify(execFile)('bash', ['-c', shell], { cwd: w.cwd, env });
    assert.equal(substituted.stdout, 'my-run\n');
  }, `${TASK}files: [task.yml]\n`);
});

test('without a file .berth.yml is taken, then .dstack.yml; `-` is standard input', async () => {
  await withTask(async (server, w) => {
    stage(server);
    await w.write('.dstack.yml', TASK);
    assert.match((await w.berth(['apply', '-y', '-d'])).stderr, /\(\.dstack\.yml,/);
    await w.write('.berth.yml', TASK);
    assert.match((await w.berth(['apply', '-y', '-d'])).stderr, /\(\.berth\.yml,/);
    const piped = await w.berth(['apply', '-y', '-d', '-f', '-'], { input: TASK });
    assert.equal(piped.code, 0);
    assert.match(piped.stderr, /\(standard input,/);
    assert.equal(piped.stdout, 'my-run\n');
    assert.match(piped.stderr, /berth attach my-run/);
    const huge = await w.berth(['apply', '-y', '-f', '-'], { input: 'x'.repeat(2_000_000) });
    assert.equal(huge.code, 2);
  });
});

test('nobody to ask and no `-y`: exit code 2 before anything is done', async () => {
  await withTask(async (server, w) => {
    const result = await w.berth(['apply', '-f', 'task.yml']);
    assert.equal(result.code, 2);
    assert.match(result.stderr, /hint: .*`-y`/);
    assert.equal(server.seen.length, 0);
  });
});

test('`--dry-run` shows the plan, without a yes, and creates nothing', async () => {
  await withTask(async (server, w) => {
    const plan = planView({ current: runView() });
    stage(server, { plan: json(plan) });
    const shown = await w.berth(['apply', '--dry-run', '-f', 'task.yml']);
    assert.equal(shown.code, 0, shown.stderr);
    assert.match(shown.stdout, /^Run +my-run \(task\.yml, project main\)\n[\s\S]*aws +eu-1 .*\$98\.32/);
    assert.equal(shown.stderr, '');
    const asJson = await w.berth(['apply', '--dry-run', '--json', '-f', '-'], { input: TASK });
    assert.deepEqual([asJson.code, JSON.parse(asJson.stdout)], [0, plan]);

    server.on(
      `POST ${P}/runs/plan`,
      json(planView({ offers: { offers: [], total: 0, sources: [], misfits: [] }, price_per_hour: null })),
    );
    const none = await w.berth(['apply', '--dry-run', '-y', '-f', 'task.yml']);
    assert.deepEqual([none.code, /No offer fits/.test(none.stdout)], [0, true]);

    const fleetPlan = {
      name: 'pool',
      action: 'create',
      current: null,
      changes: [],
      offers: planView().offers,
      price_per_hour: 98.32,
      configuration: { type: 'fleet', nodes: 1 },
    };
    await w.write('fleet.yml', 'type: fleet\nname: pool\nnodes: 1\n');
    server.on(`POST ${P}/fleets/plan`, json(fleetPlan));
    const fleet = await w.berth(['apply', '--dry-run', '-f', 'fleet.yml']);
    assert.deepEqual([fleet.code, fleet.stderr], [0, '']);
    assert.match(fleet.stdout, /^Fleet +pool/);
    const fleetJson = await w.berth(['apply', '--dry-run', '--json', '-f', 'fleet.yml']);
    assert.deepEqual(JSON.parse(fleetJson.stdout), fleetPlan);

    assert.deepEqual(
      [...new Set(server.seen.map(({ method, path }) => `${method} ${path}`))],
      [`POST ${P}/runs/plan`, `POST ${P}/fleets/plan`],
      'nothing is sent, stopped or made',
    );
    const alone = await w.berth(['apply', '--json', '-y', '-f', 'task.yml']);
    assert.equal(alone.code, 2);
    assert.match(alone.stdout, /goes with `--dry-run`/);
  });
});

test('flags win over the file, variables are taken from here, words after `--` go into the command', async () => {
  const task = `type: task\ncommands:\n  - python train.py \${{ run.args }}\nenv:\n  - TOKEN\n  - MODE=slow\nmax_price: 3\nresources:\n  cpu: 4\n`;
  await withTask(async (server, w) => {
    stage(server);
    const words = [
      'apply',
      '-y',
      '-d',
      '-f',
      'task.yml',
      '--no-repo',
      '-n',
      'sweep',
      '-e',
      'MODE=fast',
      '--gpu',
      'A100',
    ];
    const more = ['--max-duration', '2h', '--reuse', '--no-retry', '--', '--epochs', '5', 'it is'];
    const result = await w.berth([...words, ...more], { env: { TOKEN: 't$x' } });
    assert.equal(result.code, 0, result.stderr);
    const { configuration, code } = JSON.parse(String(server.seen[0]?.body));
    assert.equal(code, null);
    assert.equal(configuration.name, 'sweep');
    assert.match(configuration.commands[0], /^python train\.py --epochs 5 'it is'$/);
    assert.deepEqual(configuration.resources, { cpu: 4, gpu: 'A100' });
    assert.equal(configuration.max_price, 3);
    assert.equal(configuration.max_duration, '2h');
    assert.equal(configuration.creation_policy, 'reuse');
    assert.equal(configuration.retry, false);
    assert.match(JSON.stringify(configuration.env), /fast/);
    assert.doesNotMatch(JSON.stringify(configuration.env), /slow/);
    const bad = await w.berth(['apply', '-y', '-f', 'task.yml', '--max-duration', 'soon'], { env: { TOKEN: 't' } });
    assert.equal(bad.code, 2);
    assert.match(bad.stderr, /^error: --max-duration: /);
  }, task);
});

test('a profile gives what the file leaves open, and `--no-profile` none', async () => {
  await withTask(async (server, w) => {
    stage(server);
    await w.write(
      '.dstack/profiles.yml',
      'profiles:\n  - name: cheap\n    spot_policy: spot\n    default: true\n  - name: big\n    max_price: 9\n',
    );
    const sent = async (...words: string[]) => {
      const result = await w.berth(['apply', '-y', '-d', '-f', 'task.yml', '--no-repo', ...words]);
      assert.equal(result.code, 0, result.stderr);
      return JSON.parse(String(server.seen.findLast(({ path }) => path.endsWith('/plan'))?.body)).configuration;
    };
    assert.equal((await sent()).spot_policy, 'spot');
    assert.equal((await sent('--profile', 'big')).max_price, 9);
    assert.equal((await sent('--no-profile')).spot_policy, undefined);
    const unknown = await w.berth(['apply', '-y', '-f', 'task.yml', '--profile', 'bigg']);
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /did you mean `big`/);
  });
});

test('a live run of that name is left alone, exit code 2, unless `--force` replaces it', async () => {
  await withTask(async (server, w) => {
    const current = runView({ version: 4 });
    stage(server, {
      plan: json(
        planView({ action: 'recreate', current, changes: [{ path: 'commands[0]', before: 'a', after: 'b' }] }),
      ),
    });
    server.on(`POST ${P}/runs/run-1/stop`, json(runView({ status: 'terminating' })));
    const refused = await w.berth(['apply', '-y', '-f', 'task.yml']);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /commands\[0\]: - a {2}\+ b/);
    assert.match(refused.stderr, /error: the run my-run is running already\n {2}hint: .*berth stop my-run.*--force/);
    assert.equal(created(server).length, 0);
    const forced = await w.berth(['apply', '-y', '--force', '-d', '-f', 'task.yml']);
    assert.equal(forced.code, 0, forced.stderr);
    const posts = server.seen.filter(({ method }) => method === 'POST').map(({ path }) => path);
    assert.ok(posts.indexOf(`${P}/runs/run-1/stop`) < posts.lastIndexOf(`${P}/runs`));
  });
});

test('a name that the plan made up is the name that is submitted', async () => {
  await withTask(async (server, w) => {
    stage(server, { plan: json(planView({ name: 'brave-otter-7' })) });
    await w.berth(['apply', '-y', '-d', '-f', 'task.yml', '--no-repo']);
    assert.equal(JSON.parse(String(created(server)[0]?.body)).configuration.name, 'brave-otter-7');
  }, 'type: task\ncommands: [x]\n');
});

test('ready instances are shown before offers', async () => {
  await withTask(async (server, w) => {
    stage(server, { plan: json(planView({ idle_instances: [instanceView()], price_per_hour: 0 })) });
    const { stderr } = await w.berth(['apply', '-y', '-d', '-f', 'task.yml', '--no-repo']);
    assert.match(stderr, /READY[\s\S]*my-fleet-0 +local +here/);
    assert.match(stderr, /Per hour +\$0\n/);
  });
});

test('a server that goes away while a run is followed is waited for, and nothing is lost or repeated', async () => {
  await withTask(async (server, w) => {
    stage(server);
    const live = { event: 'run', data: runView({ version: 3 }) };
    server.on(
      `GET ${P}/runs/run-1/watch`,
      stream([live], 'break'),
      hangUp,
      refuse(503, 'unavailable', 'starting'),
      stream([live, { event: 'run', data: doneRun() }]),
    );
    server.on(
      `GET ${P}/runs/run-1/logs`,
      stream([logEvent(0, 'one\n')], 'break'),
      hangUp,
      hangUp,
      stream([logEvent(0, 'one\ntwo\n')]),
    );
    const result = await w.berth(['apply', '-y', '-f', 'task.yml', '--no-repo']);
    assert.equal(result.code, 0, result.stderr);
    assert.equal(result.stdout, 'one\ntwo\n');
    assert.match(result.stderr, /warning: .*trying again \(the run goes on\)/);
  });
});

test('a retry is said, and its log follows that of the first attempt', async () => {
  await withTask(async (server, w) => {
    stage(server);
    const again = (over: Partial<RunView>) => runView({ jobs: [jobView({ submission: 1 })], ...over });
    const states = [
      runView({ version: 2 }),
      runView({ status: 'pending', version: 3, message: 'No capacity, again in 5 s.' }),
      again({ version: 4 }),
      doneRun({}, { submission: 1 }),
    ];
    server.on(`GET ${P}/runs/run-1/watch`, stream(states.map((data) => ({ event: 'run', data }))));
    server.on(`GET ${P}/runs/run-1/logs`, (response, request) => {
      const submission = request.query.get('submission');
      return stream([logEvent(0, `attempt ${submission}\n`)])(response, request);
    });
    const result = await w.berth(['apply', '-y', '-f', 'task.yml', '--no-repo']);
    assert.equal(result.stdout, 'attempt 0\nattempt 1\n');
    assert.match(result.stderr, /my-run: pending: No capacity, again in 5 s\./);
    assert.match(result.stderr, /my-run \(attempt 2\): running/);
  });
});

test('Ctrl-C while a run is followed detaches, says how to come back, and ends with 130', async () => {
  await withTask(async (server, w) => {
    stage(server);
    server.on(`GET ${P}/runs/run-1/watch`, stream([{ event: 'run', data: runView() }], 'hang'));
    server.on(`GET ${P}/runs/run-1/logs`, stream([logEvent(0, 'working\n')], 'hang'));
    const command = w.start(['apply', '-y', '-f', 'task.yml', '--no-repo']);
    await command.sees('working');
    command.child.kill('SIGINT');
    const result = await command.done;
    assert.equal(result.code, 130);
    assert.match(
      result.stderr,
      /my-run goes on\. `berth attach my-run` comes back to it, `berth stop my-run` ends it\.\n$/,
    );
    assert.ok(!server.seen.some(({ path }) => path.endsWith('/stop')));
  });
});

test('Ctrl-C before the run is submitted leaves nothing behind', async () => {
  await withTask(async (server, w) => {
    stage(server, { plan: () => {} });
    const command = w.start(['apply', '-y', '-f', 'task.yml']);
    while (!server.seen.some(({ path }) => path.endsWith('/plan')))
      await new Promise((resolve) => setTimeout(resolve, 10));
    command.child.kill('SIGINT');
    const result = await command.done;
    assert.equal(result.code, 130);
    assert.match(result.stderr, /Interrupted; nothing was submitted\.\n$/);
    assert.equal(created(server).length, 0);
    // The command's own compiled code may lie there; nothing of this run does.
    assert.deepEqual(
      (await readdir(join(w.home, 'cache'))).filter((name) => name !== 'cli'),
      [],
    );
  });
});

test('what a job left is brought into a folder that the next apply replaces and does not send', async () => {
  await withTask(async (server, w) => {
    const left = { artifacts: { bytes: 10, fetched: true } };
    stage(server, { end: doneRun({}, left) });
    await w.write('src/out/model.txt', 'v1');
    const archive = async () => {
      const file = join(w.cwd, '..', 'a.tgz');
      await create({ gzip: true, file, cwd: join(w.cwd, 'src') }, ['out']);
      return readFile(file);
    };
    const first = await archive();
    server.on(`GET ${P}/runs/run-1/artifacts`, (response) => void response.end(first));
    const result = await w.berth(['apply', '-y', '-f', 'task.yml']);
    assert.equal(result.code, 0, result.stderr);
    assert.match(result.stderr, / {2}artifacts: artifacts\/my-run\n$/);
    assert.equal(await readFile(join(w.cwd, 'artifacts/my-run/out/model.txt'), 'utf8'), 'v1');
    const hashes = () =>
      server.seen.filter(({ path }) => path.endsWith('/plan')).map(({ body }) => JSON.parse(String(body)).code.blob);
    await w.berth(['apply', '-y', '-f', 'task.yml']);
    assert.equal(new Set(hashes()).size, 1, 'results are not part of the code');

    // A folder of the user's own with that name is left alone.
    await w.write('mine/artifacts/my-run/keep', 'mine');
    await writeFile(join(w.cwd, 'mine/task.yml'), TASK);
    await w.berth(['run', 'artifacts', 'my-run']);
    server.on(`GET ${P}/runs/my-run`, json(doneRun({}, left)));
    const taken = await w.berth(['run', 'artifacts', 'my-run', '-o', 'mine/artifacts/my-run']);
    assert.equal(taken.code, 2);
    assert.match(taken.stderr, /was not made by Berth/);
    assert.equal(await readFile(join(w.cwd, 'mine/artifacts/my-run/keep'), 'utf8'), 'mine');
  });
});

test('an archive of artifacts cannot reach outside of its folder', async () => {
  await withTask(async (server, w) => {
    stage(server, { end: doneRun({}, { artifacts: { bytes: 10, fetched: true } }) });
    await mkdir(join(w.cwd, '../evil/d'), { recursive: true });
    const evil = join(w.cwd, '../evil');
    await writeFile(join(evil, 'good'), 'fine');
    await symlink('/etc/passwd', join(evil, 'abs'));
    await symlink('../../outside', join(evil, 'd/up'));
    await symlink('d/up/../..', join(evil, 'through'));
    await symlink('good', join(evil, 'near'));
    await writeFile(join(evil, 'dotdot'), 'bad');
    const file = join(w.cwd, '../evil.tgz');
    await create(
      {
        gzip: true,
        file,
        cwd: evil,
        preservePaths: true,
        onWriteEntry: (entry) => {
          if (entry.path === 'dotdot') entry.path = '../../escaped';
        },
      },
      ['good', 'abs', 'd', 'through', 'near', 'dotdot'],
    );
    const archive = await readFile(file);
    server.on(`GET ${P}/runs/run-1/artifacts`, (response) => void response.end(archive));
    const result = await w.berth(['apply', '-y', '-f', 'task.yml', '--no-repo']);
    assert.equal(result.code, 0, result.stderr);
    const names = (await readdir(join(w.cwd, 'artifacts/my-run'), { recursive: true })).sort();
    assert.deepEqual(names, ['.berth-artifacts.json', '.gitignore', 'd', 'good', 'near']);
    assert.deepEqual(await readdir(join(w.cwd, '..')).then((all) => all.includes('escaped')), false);
    assert.match(result.stderr, /warning: abs was left out/);
  });
});

test('what the job of a run that is done has to say is a warning, once for all nodes', async () => {
  await withTask(async (server, w) => {
    const message = 'No artifacts at `checkpoint`: there is no such path in the working directory.';
    const end = doneRun({}, { message });
    const [job] = end.jobs;
    assert.ok(job);
    const earlier = { ...job, status: 'failed' as const, message: 'It was interrupted.' };
    stage(server, { end: { ...end, jobs: [job, { ...job, id: 'job-2', node: 1 }, { ...earlier, id: 'job-0' }] } });
    const result = await w.berth(['apply', '-y', '-f', 'task.yml', '--no-repo']);
    assert.equal(result.code, 0);
    assert.deepEqual(result.stderr.match(/^warning: .*$/gm), [`warning: ${message}`]);
    assert.doesNotMatch(result.stderr, /interrupted/);
  });
});

test("artifacts that arrive damaged are a warning, and the exit code stays the job's", async () => {
  await withTask(async (server, w) => {
    stage(server, { end: doneRun({}, { artifacts: { bytes: 10, fetched: true } }) });
    server.on(
      `GET ${P}/runs/run-1/artifacts`,
      (response) => void response.end('this is no archive, but it is long enough to be one'),
    );
    const result = await w.berth(['apply', '-y', '-f', 'task.yml', '--no-repo']);
    assert.equal(result.code, 0);
    assert.match(result.stderr, /warning: the artifacts could not be brought here[\s\S]*berth run artifacts my-run/);
  });
});

test('files that are named are sent, and one that is missing is shown in its place', async () => {
  const task = 'type: task\ncommands: [x]\nfiles:\n  - data.csv:/data/in.csv\n  - nope.txt\n';
  await withTask(async (server, w) => {
    stage(server);
    await w.write('data.csv', '1,2\n');
    const missing = await w.berth(['apply', '-y', '-d', '-f', 'task.yml', '--no-repo']);
    assert.equal(missing.code, 2);
    assert.match(missing.stderr, /task\.yml:5:5 .*nope\.txt does not exist/);
    assert.equal(created(server).length, 0);
    await w.write('nope.txt', 'here');
    const sent = await w.berth(['apply', '-y', '-d', '-f', 'task.yml', '--no-repo']);
    assert.equal(sent.code, 0, sent.stderr);
    const { files } = JSON.parse(String(created(server)[0]?.body));
    assert.deepEqual(
      files.map(({ path }: { path: string }) => path),
      ['/data/in.csv', 'nope.txt'],
    );
  }, task);
});

test('a fleet is planned and made; one that is as it should be is left alone', async () => {
  await withTask(async (server, w) => {
    const fleet = {
      id: 'f',
      name: 'pool',
      status: 'active',
      message: null,
      nodes: { min: 1, target: 1, max: 2 },
      instances: [],
      configuration: {},
      created_at: 0,
      version: 3,
    };
    const plan = {
      name: 'pool',
      action: 'create',
      current: null,
      changes: [],
      offers: planView().offers,
      price_per_hour: 98.32,
      configuration: { nodes: '1..2' },
    };
    server.on(`POST ${P}/fleets/plan`, json(plan));
    server.on(`POST ${P}/fleets`, json(fleet));
    const made = await w.berth(['apply', '-y', '-f', 'task.yml']);
    assert.deepEqual([made.code, made.stdout], [0, 'pool\n'], made.stderr);
    server.on(`POST ${P}/fleets/plan`, json({ ...plan, action: 'none', current: fleet }));
    const again = await w.berth(['apply', '-y', '-f', 'task.yml']);
    assert.equal(again.code, 0);
    assert.match(again.stderr, /Nothing to do/);
    assert.equal(server.seen.filter(({ path, method }) => method === 'POST' && path === `${P}/fleets`).length, 1);
  }, 'type: fleet\nname: pool\nnodes: 1..2\n');
});
