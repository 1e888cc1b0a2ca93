/** Bad input through the real command line: what, where, why, what to do; exit code 2; nothing is created. */
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { InstanceView, RunView } from '@berth/core/api-schemas';
import { Home } from './home.ts';

let home: Home;
before(async () => {
  home = new Home();
  const first = await home.berth(['ps']);
  assert.equal(first.code, 0, first.seen);
});
after(() => home[Symbol.asyncDispose]());

async function nothingIsCreated(): Promise<void> {
  assert.deepEqual((await home.json<{ runs: RunView[] }>(['ps', '-a'])).runs, []);
  assert.deepEqual(await home.json<InstanceView[]>(['instance', 'list']), []);
}

const LAUGHS = Array.from(
  { length: 12 },
  (_, i) => `a${i}: &a${i} [${Array.from({ length: 10 }, () => (i === 0 ? 'x' : `*a${i - 1}`)).join(', ')}]`,
).join('\n');

/** What is wrong, the file, and what must be said of it. */
const FILES: readonly (readonly [string, string, readonly RegExp[]])[] = [
  ['YAML that does not parse', 'type: task\ncommands: [echo hi\n', [/bad\.yml:\d+:\d+/]],
  ['an unknown key', 'type: task\ncomands: [echo hi]\n', [/bad\.yml:2:1/, /comands/, /`?commands`?/]],
  ['a wrong type', 'type: task\ncommands: echo hi\n', [/bad\.yml:2:/, /commands/]],
  ['a wrong number', 'type: task\ncommands: [x]\nnodes: none\n', [/bad\.yml:3:8/, /nodes/]],
  ['an impossible range', 'type: task\ncommands: [x]\nresources:\n  cpu: 8..4\n', [/bad\.yml:4:/, /8\.\.4|8/]],
  ['a GPU that nobody makes', 'type: task\ncommands: [x]\nresources:\n  gpu: H1O0\n', [/bad\.yml:4:/, /H1O0/, /H100/]],
  ['what comes later', 'type: service\nport: 80\n', [/bad\.yml:1:/, /service/, /not yet supported/i]],
  [
    'a field that comes later',
    'type: task\ncommands: [x]\npython: 3.12\n',
    [/bad\.yml:3:/, /python/, /not yet supported/i],
  ],
  ['aliases that explode', `${LAUGHS}\ntype: task\ncommands: [x]\n`, [/bad\.yml/, /alias/i]],
  ['ten megabytes', `type: task\ncommands: [x]\n# ${'x'.repeat(10 * 1024 * 1024)}\n`, [/bad\.yml/, /1 ?Mi?B/]],
  ['an empty file', '', [/bad\.yml/]],
  ['a key of a prototype', 'type: task\ncommands: [x]\n__proto__: {polluted: true}\n', [/bad\.yml:3:1/, /__proto__/]],
  [
    'a variable that is not set',
    'type: task\ncommands: [x]\nenv: [NO_SUCH_VARIABLE]\n',
    [/bad\.yml:3:/, /NO_SUCH_VARIABLE/],
  ],
  ['a file that is not there', 'type: task\ncommands: [x]\nfiles: [nowhere.txt]\n', [/nowhere\.txt/]],
  [
    'a secret that nobody made',
    'type: task\ncommands: [x]\nenv: ["A=${{ secrets.nobody }}"]\n',
    [/nobody/, /berth secret set/],
  ],
  ['a fleet that nobody made', 'type: task\ncommands: [x]\nfleets: [nobody]\n', [/nobody/]],
];

for (const [what, text, said] of FILES) {
  test(`${what} is refused at its place`, async () => {
    await home.write('bad.yml', text);
    const { code, stderr, stdout } = await home.berth(['apply', '-y', '-f', 'bad.yml']);
    assert.equal(code, 2, stderr.slice(0, 2000));
    for (const pattern of said) assert.match(stderr, pattern);
    assert.equal(stdout.length, 0, 'nothing on standard output');
    assert.ok(stderr.length < 20_000, 'and not a novel');
    await nothingIsCreated();
  });
}

test('what fits nowhere fails with the reasons, and makes no machine', async () => {
  await home.write('huge.yml', 'type: task\nname: huge\ncommands: [x]\nresources:\n  memory: 90TB..\n');
  const { code, stderr } = await home.berth(['apply', '-y', '-f', 'huge.yml']);
  assert.notEqual(code, 0);
  assert.match(stderr, /memory/i);
  assert.deepEqual(await home.json<InstanceView[]>(['instance', 'list']), []);
  await home.berth(['run', 'delete', '-y', 'huge']);
});

test('a project that does not exist', async () => {
  const { code, stderr } = await home.berth(['ps', '--project', 'nowhere']);
  assert.equal(code, 2, stderr);
  assert.match(stderr, /nowhere/);
});

test('a name that is in use is a conflict: the first run goes on, and the hint says what to do', async () => {
  const stdin = 'type: task\nname: twice\ncommands: [sleep 30]\n';
  const first = await home.berth(['apply', '-y', '-d', '-f', '-'], { stdin });
  assert.equal(first.code, 0, first.seen);
  const second = await home.berth(['apply', '-y', '-d', '-f', '-'], { stdin });
  assert.equal(second.code, 2, second.seen);
  assert.match(second.stderr, /twice/);
  assert.match(second.stderr, /berth stop twice/);
  const { runs } = await home.json<{ runs: RunView[] }>(['ps', '-a']);
  assert.deepEqual(
    runs.map((run) => run.name),
    ['twice'],
  );
  await home.berth(['stop', '-x', '-y', 'twice']);
});

/** The server of the home, asked without the command line. */
async function ask(
  method: string,
  path: string,
  token: string,
  body?: string | Buffer,
): Promise<{ status: number; json: unknown }> {
  const { url } = JSON.parse(await readFile(join(home.dir, 'server', 'server.json'), 'utf8')) as { url: string };
  return new Promise((resolve, reject) => {
    const sent = request(
      url + path,
      { method, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' } },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          resolve({ status: answer.statusCode ?? 0, json: text === '' ? null : JSON.parse(text) });
        });
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

test('an expired token says when it expired, and may do nothing', async () => {
  const made = await home.json<{ token: string }>(['user', 'token', 'create', 'short', '--expires', '1s']);
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  const { url } = JSON.parse(await readFile(join(home.dir, 'server', 'server.json'), 'utf8')) as { url: string };
  const env = { BERTH_SERVER_URL: url, BERTH_TOKEN: made.token, BERTH_PROJECT: 'main' };
  const { code, stderr } = await home.berth(['ps'], { env });
  assert.equal(code, 2, stderr);
  assert.match(stderr, /expired/);
});

test('a body over its limit is refused with its limit', async () => {
  const config = await readFile(join(home.dir, 'config.yml'), 'utf8');
  const token = /token: "?([\w-]+)"?/.exec(config)?.[1] ?? '';
  const body = JSON.stringify({
    configuration: { type: 'task', commands: ['x'.repeat(5 * 1024 * 1024)] },
    code: null,
    files: [],
  });
  const { status, json } = await ask('POST', '/api/v1/projects/main/runs/plan', token, body);
  assert.equal(status, 413);
  assert.match(JSON.stringify(json), /MiB/);
});

test('a directory that is too large is refused, and its largest files are named', async () => {
  const work = join(home.work, 'large');
  await mkdir(work);
  const noise = Buffer.from(Array.from({ length: 1 << 16 }, () => Math.floor(Math.random() * 256)));
  await writeFile(
    join(work, 'weights.bin'),
    Buffer.concat(
      Array.from({ length: 1200 }, (_, i) =>
        Buffer.concat([noise.subarray(i % 999), noise.subarray(0, i % 999)]).map((b) => b ^ (i * 31)),
      ),
    ),
  );
  await writeFile(join(work, 'task.yml'), 'type: task\ncommands: [x]\n');
  const { code, stderr } = await home.berth(['apply', '-y', '-f', 'task.yml'], { cwd: work });
  assert.equal(code, 2, stderr.slice(0, 1000));
  assert.match(stderr, /weights\.bin/);
  assert.match(stderr, /ignore/);
});
