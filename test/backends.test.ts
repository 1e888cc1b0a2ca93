/**
 * Clouds that come and go by command, through the real command line and server: folders that cannot be loaded,
 * credentials that are wrong, machines that are still held. No secret is ever written anywhere.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { BackendDetailView, BackendTypeView, BackendView, InstanceView } from '@berth/core/api-schemas';
import { Home, until } from './home.ts';

const CONTRACT = pathToFileURL(join(import.meta.dirname, '../packages/backend/src/index.ts')).href;
const BERTH = join(import.meta.dirname, '../packages/cli/bin/berth.js');
const ZOD = import.meta.resolve('zod');

const KEYS = ['first-key-4711-aaaa', 'second-key-4711-bbbb'] as const;
const WRONG = 'wrong-key-4711-cccc';

/** A cloud that is a file. It repeats the key that it refuses, and lists whatever it has, other people's too. */
const cloud = (file: string, more = ''): string => `
import { readFileSync, writeFileSync } from 'node:fs';
import { BackendError, defineBackend, owned, secret } from '${CONTRACT}';
import { z } from '${ZOD}';

const FILE = ${JSON.stringify(file)};
const read = () => JSON.parse(readFileSync(FILE, 'utf8'));
const write = (machines: unknown) => writeFileSync(FILE, JSON.stringify(machines));
const offer = (backend: string) => ({
  id: backend + '/here/-/puff/on-demand', backend, instanceType: 'puff', region: 'here', zone: null,
  capacityType: 'on-demand', pricePerHour: 0.5, availability: 'available',
  resources: { cpus: 4, cpuArch: 'x86', memoryMiB: 16384, diskMiB: 102400, accelerators: [] },
});
export default defineBackend({
  type: 'puffy',
  title: 'Puffy Cloud',
  kind: 'vm',
  agentStart: 'process',
  limits: { nameLength: 60, tags: true, provisioningTimeoutMs: 600000, listLagMs: 0 },
  credentials: { api_key: z.strictObject({ api_key: secret() }) },
  config: z.strictObject({ regions: z.array(z.string()).optional().describe('Regions to use.') }),
  configure: async ({ config, credentials }) => {
    const key = credentials.api_key.reveal();
    if (!${JSON.stringify(KEYS)}.includes(key)) throw new BackendError('auth', 'Puffy does not know the key ' + key + '.');
    return { config, account: 'team-puff', choices: { regions: [{ value: 'here' }, { value: 'there' }] } };
  },
  catalog: owned({ cacheForMs: 0, query: async ({ name }) => [offer(name)] }),
  compute: () => ({
    create: async ({ token, name, offer }) => {
      const machines = read();
      const known = machines.find((one) => one.token === token);
      const made = known ?? { cloudId: 'c-' + token, token, name, region: offer.region, zone: null, state: 'running', address: null, internalIp: null };
      if (known === undefined) write([...machines, made]);
      return made;
    },
    list: async () => read(),
    terminate: async ({ cloudId }) => write(read().filter((one) => one.cloudId !== cloudId)),
    ${more}
  }),
});
`;

const NEIGHBOUR = {
  cloudId: 'c-neighbour',
  token: null,
  name: 'somebody-elses',
  region: 'here',
  zone: null,
  state: 'running',
  address: null,
  internalIp: null,
};

let home: Home;
let file: string;

async function folder(name: string, source: string): Promise<void> {
  const dir = join(home.dir, 'backends', name);
  await mkdir(dir, { recursive: true });
  await writeFile(
    join(dir, 'package.json'),
    JSON.stringify({ name, type: 'module', berth: { backend: './index.ts' } }),
  );
  await writeFile(join(dir, 'index.ts'), source);
}

const machines = async (): Promise<{ cloudId: string }[]> => JSON.parse(await readFile(file, 'utf8'));
const listed = async (name: string): Promise<BackendView | undefined> =>
  (await home.json<BackendView[]>(['backend', 'list'])).find((one) => one.name === name);
const add = (key: string, ...words: string[]) =>
  home.berth(['backend', 'add', 'puffy', '--credentials-file', '-', ...words], { stdin: `${key}\n` });

before(async () => {
  home = new Home();
  file = join(home.work, 'cloud.json');
  await writeFile(file, JSON.stringify([NEIGHBOUR]));
  await folder('a-puffy', cloud(file));
  await folder('b-twin', cloud(file));
  await folder(
    'c-half',
    cloud(file, 'volumes: { create: async () => ({}) },').replace("type: 'puffy'", "type: 'half'"),
  );
  await folder('d-syntax', 'export default { type: "oops"');
  await folder('e-silent', 'export const nothing = 1;\n');
});
after(() => home[Symbol.asyncDispose]());

test('folders that cannot be used are listed with their reason, and harm nobody', async () => {
  const types = await home.json<BackendTypeView[]>(['backend', 'types']);
  const reasonOf = (type: string) =>
    types.find((one) => one.type === type && one.status === 'unavailable')?.reason ?? '';
  assert.match(reasonOf('d-syntax'), /cannot be imported: SyntaxError|cannot be imported/);
  assert.match(reasonOf('e-silent'), /no default export \(C9\)/);
  assert.match(reasonOf('b-twin'), /Two packages are backends of type "puffy" \(C12\).*a-puffy.*which is used/);
  assert.equal(types.find((one) => one.type === 'puffy')?.creates_machines, true);
  assert.equal(types.find((one) => one.type === 'aws')?.creates_machines, false);
  assert.equal((await listed('local'))?.status, 'ready');
  assert.match((await listed('e-silent'))?.reason ?? '', /no default export/);
  assert.match((await home.berth(['backend', 'list'])).seen, /e-silent +unavailable .*no default export/);
});

test('a facet that is half there is found out before the backend is stored', async () => {
  const { code, stderr } = await home.berth(['backend', 'add', 'half', '--credentials-file', '-'], { stdin: KEYS[0] });
  assert.equal(code, 2, stderr);
  assert.match(stderr, /facet `volumes` has no `register`.*C8/);
  assert.equal(await listed('half'), undefined);
});

test('without a terminal everything that is missing is named, and nothing is asked', async () => {
  const nothing = await home.berth(['backend', 'add', 'mine']);
  assert.equal(nothing.code, 2);
  assert.match(nothing.stderr, /no backend of type `mine`.*no terminal.*\n.*--type/);
  const { code, stderr } = await home.berth(['backend', 'add', 'mine', '--type', 'puffy']);
  assert.equal(code, 2);
  assert.match(stderr, /needs `api_key` \(with `--credentials-file`\)/);
  assert.match((await home.berth(['backend', 'add', 'mine', '--type', 'pufy'])).stderr, /did you mean `puffy`\?/);
  assert.match((await home.berth(['backend', 'add', 'mine', '--type', 'aws'])).stderr, /only the price list/);
  const told = await home.berth(['backend', 'add', 'puffy', '--set', `api_key=${KEYS[0]}`]);
  assert.equal(told.code, 2);
  assert.match(told.stderr, /`api_key` is secret/);
});

test('credentials that the cloud refuses are not stored; those that it takes are, and survive a restart', async () => {
  const refused = await add(WRONG);
  assert.equal(refused.code, 2, refused.seen);
  assert.match(refused.stderr, /credentials are refused.*does not know the key \[secret\]/);
  assert.equal(await listed('puffy'), undefined);

  const taken = await add(KEYS[0], '--set', 'regions=here,there');
  assert.equal(taken.code, 0, taken.seen);
  assert.match(taken.stdout.toString(), /puffy: added \(account team-puff\)/);
  const detail = await home.json<BackendDetailView>(['backend', 'get', 'puffy']);
  assert.deepEqual(detail.credentials, { kind: 'api_key', fields: ['api_key'] });
  assert.deepEqual([detail.config, detail.source, detail.holds], [{ regions: ['here', 'there'] }, 'api', 0]);
  assert.match((await add(KEYS[0])).stderr, /there is a backend `puffy` already/);

  await home.killServer();
  assert.equal((await listed('puffy'))?.status, 'ready');
});

test('a plan that needs a facet says by name which backend lacks it, and makes nothing', async () => {
  await home.write('task.yml', 'type: task\nname: reserved\ncommands: [ls]\nreservation: cr-1\nbackends: [puffy]\n');
  const { seen } = await home.berth(['apply', '-y', '-f', 'task.yml']);
  assert.match(seen, /puffy has no reservations \(facet\)/);
  assert.deepEqual(await machines(), [NEIGHBOUR]);
});

test('while it holds machines it is not deleted, its credentials are changed only for good ones, and nothing is lost', async () => {
  await home.write('fleet.yml', 'type: fleet\nname: pool\nnodes: 2\nbackends: [puffy]\n');
  const applied = await home.berth(['apply', '-y', '-d', '-f', 'fleet.yml']);
  assert.equal(applied.code, 0, applied.seen);
  await until(async () => (await machines()).length === 3, 'the fleet has its machines');

  const refused = await home.berth(['backend', 'delete', 'puffy', '-y']);
  assert.equal(refused.code, 2, refused.seen);
  assert.match(refused.stderr, /2 machines are held by backend puffy: pool-\w+ pool-\w+/);
  assert.match(refused.stderr, /berth instance delete pool-\w+ pool-\w+.*\n?.*berth backend delete puffy --when-empty/);

  const wrong = await add(WRONG, '--replace');
  assert.equal(wrong.code, 2, wrong.seen);
  assert.equal((await listed('puffy'))?.status, 'ready', 'the old ones stay until new ones work');
  const rotated = await add(KEYS[1], '--replace');
  assert.equal(rotated.code, 0, rotated.seen);
  assert.deepEqual((await home.json<BackendDetailView>(['backend', 'get', 'puffy'])).config, {
    regions: ['here', 'there'],
  });

  const kept = await home.berth(['backend', 'delete', 'puffy', '-y', '--when-empty']);
  assert.match(kept.stdout.toString(), /takes no new work, and goes when its 2 machines are gone/);
  await home.killServer();
  assert.match((await home.berth(['backend', 'list'])).seen, /puffy .*removed, holds 2 machines/);
  const instances = await home.json<InstanceView[]>(['instance', 'list']);
  assert.deepEqual(
    instances.map((one) => one.out_of_reach),
    [null, null],
    'its machines can still be given back',
  );
  assert.equal((await home.berth(['fleet', 'delete', 'pool', '-y'])).code, 0);
  await until(async () => (await listed('puffy')) === undefined, 'it goes with the last of them');
  assert.deepEqual(await machines(), [NEIGHBOUR], 'and other people’s machines were never touched');
  const told = await home.json<{ events: { kind: string; target: { name: string } }[] }>(['event', 'list']);
  const events = told.events.flatMap(({ kind, target }) => (target.name === 'puffy' ? [kind] : []));
  for (const kind of ['backend.added', 'backend.changed', 'backend.removed', 'backend.gone']) {
    assert.equal(events.filter((one) => one === kind).length, 1, `${kind} once`);
  }
});

/** The real command on a terminal of its own, which `script` gives it; each answer is typed once its question is seen. */
async function onTerminal(command: string, answers: readonly (readonly [string, string])[]) {
  const child = spawn('script', ['-qec', `${process.execPath} ${BERTH} ${command}`, '/dev/null'], {
    env: { ...process.env, BERTH_HOME: home.dir, NO_COLOR: '1', NODE_OPTIONS: '' },
    stdio: 'pipe',
  });
  let seen = '';
  child.stdout.on('data', (chunk: Buffer) => {
    seen += chunk.toString();
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  for (const [question, answer] of answers) {
    await until(() => seen.includes(question) || child.exitCode !== null, `it asks ${question}; it said:\n${seen}`);
    child.stdin.write(answer);
  }
  return { code: await ended, seen };
}

const hasScript = spawnSync('script', ['--version']).status === 0;

test('on a terminal the key is not shown, regions are offered by number, and Ctrl-C stores nothing', {
  skip: hasScript ? false : 'there is no `script` here to make a terminal with',
}, async () => {
  const key: readonly [string, string] = ['api_key, not shown: ', `${KEYS[0]}\r`];
  const regions = 'Numbers or names, with commas between them [all]: ';
  const stopped = await onTerminal('backend add puffy', [key, [regions, '\u0003']]);
  assert.equal(stopped.code, 130, stopped.seen);
  assert.equal(await listed('puffy'), undefined);
  assert.doesNotMatch(stopped.seen, /first-key/);

  const added = await onTerminal('backend add puffy', [key, [regions, '2\r'], ['Store puffy? [y/n]: ', 'y\r']]);
  assert.equal(added.code, 0, added.seen);
  assert.match(added.seen, /Account: team-puff[\s\S]*1 {2}here\r?\n {2}2 {2}there/);
  assert.doesNotMatch(added.seen, /first-key/);
  assert.deepEqual((await home.json<BackendDetailView>(['backend', 'get', 'puffy'])).config, { regions: ['there'] });
  assert.equal((await home.berth(['backend', 'delete', 'puffy', '-y'])).stdout.toString(), 'puffy: deleted\n');
});

test('no key that was ever given stands anywhere in what the server wrote', async () => {
  const entries = await readdir(home.dir, { recursive: true, withFileTypes: true });
  let read = 0;
  for (const entry of entries) {
    if (!entry.isFile() || entry.parentPath.includes(join(home.dir, 'backends'))) continue;
    const bytes = await readFile(join(entry.parentPath, entry.name));
    for (const key of [...KEYS, WRONG]) assert.equal(bytes.includes(key), false, `${entry.name} holds ${key}`);
    read++;
  }
  assert.ok(read > 3);
});
