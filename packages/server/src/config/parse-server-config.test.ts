import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { BerthError } from '@berth/core/errors';
import { readServerConfig, watchServerConfig } from './config-file.ts';
import { parseServerConfig } from './parse-server-config.ts';
import { LOCAL_ENTRY, NO_FILE, type ServerConfig } from './server-config.ts';

const outside = {
  env: { KEY: 'from-env', EMPTY: '', HOME: '/home/me' },
  dir: '/srv/berth',
  readFile: (path: string): string => {
    const text = { '/srv/berth/key': 'from-file\n', '/home/me/key': 'from-home' }[path];
    if (text === undefined) throw Object.assign(new Error('missing'), { code: 'ENOENT' });
    return text;
  },
};
const parse = (text: string): ServerConfig => parseServerConfig(text, 'config.yml', outside);

function issuesOf(text: string): string[] {
  try {
    parse(text);
  } catch (error) {
    assert.ok(error instanceof BerthError);
    assert.equal(error.code, 'invalid-configuration');
    return error.issues.map(({ line, column, message }) => `${line}:${column} ${message}`);
  }
  return [];
}

test('projects, backends and their credentials are read, also as dstack writes them', () => {
  const config = parse(`
projects:
  - name: main
    backends:
      - type: local
      - type: fluffy
        name: fluffy-eu
        regions: [eu-1]
        creds: { type: api_key, api_key: abc }
  - name: empty
encryption:
  keys:
    - { name: k2, type: aes, secret: ${Buffer.alloc(32, 7).toString('base64')} }
limits:
  max_blob_size: 512MB
  event_retention: 7d
`);
  const projects = config.projects?.map(({ name, backends }) => ({
    name,
    backends: backends.map(({ place, faults, ...entry }) => ({ ...entry, line: place?.line, faults })),
  }));
  const { place: _, ...local } = LOCAL_ENTRY;
  assert.deepEqual(projects, [
    {
      name: 'main',
      backends: [
        { ...local, line: 5 },
        {
          name: 'fluffy-eu',
          type: 'fluffy',
          config: { regions: ['eu-1'] },
          credentials: { kind: 'api_key', value: { api_key: 'abc' } },
          line: 6,
          faults: [],
        },
      ],
    },
    { name: 'empty', backends: [] },
  ]);
  assert.deepEqual(config.limits, { maxBlobBytes: 512 * 1024 * 1024, eventRetentionMs: 7 * 86_400_000 });
  assert.equal(config.keys[0]?.name, 'k2');
  assert.doesNotMatch(JSON.stringify(config.keys), /Bw/);
  assert.equal(parse('limits: { event_retention: off }').limits.eventRetentionMs, null);
  assert.deepEqual(parse('# nothing\n').projects, []);
});

test('every mistake is told with its place', () => {
  assert.match(issuesOf('projects:\n  - name: main\n    backend: []\n').join(), /^3:5 .*backend/);
  assert.match(issuesOf('projects:\n  - nam: main\n').join(), /2:\d+ .*name/);
  assert.match(issuesOf('projects:\n  - name: main\n  - name: main\n').join(), /^3:11 .*twice/);
  assert.match(
    issuesOf('projects:\n - name: a\n   backends: [{type: local}, {type: local}]').join(),
    /^3:30 .*already/,
  );
  assert.match(issuesOf('projects: { main: {} }').join(), /^1:11 .*list/);
  assert.match(issuesOf('limits: { max_blob_size: huge }').join(), /^1:26 .*memory size/);
  assert.match(issuesOf('encryption: { keys: [{ name: k, secret: short }] }').join(), /^1:\d+ .*secret/);
  const shy = issuesOf('projects:\n - name: a\n   backends: [{ type: x, creds: hunter2 }]').join();
  assert.match(shy, /^3:\d+ .*creds/);
  assert.doesNotMatch(shy, /hunter2/, 'a message goes to the log and must hold no secret');
  assert.match(issuesOf('projects: [\n').join(), /^\d+:\d+ /);
  assert.match(issuesOf('projects:\n - name: a\n   backends: [{type: x, creds: {}, credentials: {}}]').join(), /both/);
});

test('credentials may be read from a variable or a file; what cannot be is told at its place and costs only itself', () => {
  const [project] =
    parse(`projects:
  - name: main
    backends:
      - type: a
        creds: { type: keys, one: "\${env:KEY}", two: "\${file:key}", three: "\${file:~/key}", four: "x \${env:KEY}" }
      - type: b
        credentials:
          type: api_key
          api_key: \${env:NOWHERE}
      - { type: c, creds: { type: k, a: "\${file:none}", b: "\${env:EMPTY}" } }
`).projects ?? [];
  const [read, ...faulty] = project?.backends ?? [];
  assert.deepEqual(read?.credentials.value, {
    one: 'from-env',
    two: 'from-file',
    three: 'from-home',
    four: 'x ${env:KEY}',
  });
  assert.deepEqual(read?.faults, []);
  const told = faulty.flatMap(({ faults, place }) =>
    faults.map((fault) => {
      const position = place?.positionOf(fault);
      return `${position?.line}:${position?.column} ${fault.path.join('.')}: ${fault.message}`;
    }),
  );
  assert.deepEqual(told, [
    '9:20 credentials.api_key: the variable `NOWHERE` is not set',
    '10:41 credentials.a: /srv/berth/none cannot be read (ENOENT)',
    '10:60 credentials.b: the variable `EMPTY` is not set',
  ]);
});

test('a file that changes is read again; a broken one is told, and so is its repair', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'berth-config-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const path = join(dir, 'config.yml');
  assert.deepEqual(await readServerConfig(path), NO_FILE);
  const heard: string[] = [];
  const watch = watchServerConfig(path, {
    changed: (config) => heard.push(config.projects?.map(({ name }) => name).join() ?? 'no file'),
    broken: () => heard.push('broken'),
  });
  t.after(() => watch.close());
  const step = async (change: () => void, expected: string): Promise<void> => {
    heard.length = 0;
    change();
    for (let n = 0; n < 100 && heard.length === 0; n++) await sleep(20);
    assert.deepEqual(heard, [expected]);
  };
  await step(() => writeFileSync(path, 'projects: [{ name: one }]'), 'one');
  await step(() => writeFileSync(path, 'projects: [{ name: one'), 'broken');
  await step(() => {
    writeFileSync(`${path}.new`, 'projects: [{ name: two }]');
    renameSync(`${path}.new`, path);
  }, 'two');
  heard.length = 0;
  writeFileSync(path, 'projects: [{ name: two }]');
  await sleep(400);
  assert.deepEqual(heard, [], 'saved without a change');
  await step(() => rmSync(path), 'no file');
  heard.length = 0;
  writeFileSync(join(dir, 'berth.db'), 'x');
  await sleep(300);
  assert.deepEqual(heard, []);
});

const KEY = `berth-ed25519:${'k'.repeat(43)}`;

test('a public key that is none is told where it stands, not when the first pull fails', () => {
  const issues = issuesOf('catalog: { url: https://prices.example.com, public_key: abc }');
  assert.match(JSON.stringify(issues), /catalog\.public_key.*catalog keygen/);
});

test('where prices come from is read, and has sensible ends', () => {
  assert.deepEqual(parse('projects: []').catalog, NO_FILE.catalog);
  assert.deepEqual(
    parse(
      `catalog: { url: https://prices.example.com/v1, public_key: ${KEY}, refresh: 30m, collect: [aws, vastai, aws] }`,
    ).catalog,
    {
      urls: ['https://prices.example.com/v1'],
      publicKey: KEY,
      refreshMs: 1_800_000,
      collect: ['aws', 'vastai'],
      online: true,
    },
  );
  assert.deepEqual(parse('catalog: { url: [https://a.example, file:///srv/b], refresh: off, online: false }').catalog, {
    ...NO_FILE.catalog,
    urls: ['https://a.example', 'file:///srv/b'],
    refreshMs: null,
    online: false,
  });
  for (const wrong of ['{ url: prices }', '{ refresh: 1s }', '{ collect: AWS }', '{ uri: https://a.example }']) {
    assert.equal(issuesOf(`catalog: ${wrong}`).length, 1, wrong);
  }
});

test('an address with a password is refused, and the password is not repeated', () => {
  const issues = issuesOf('catalog: { url: "https://me:hunter2@prices.example.com" }');
  assert.equal(issues.length, 1);
  assert.doesNotMatch(JSON.stringify(issues), /hunter2/);
});

test('regression: an unquoted secret that YAML takes for an alias or a tag is not repeated', () => {
  for (const secret of ['*hunter2', '!hunter2 x']) {
    const text = `projects:\n  - name: a\n    backends: [{ type: x, creds: { type: k, key: ${secret} } }]\n`;
    assert.throws(
      () => parse(text),
      (error: BerthError) => {
        assert.match(JSON.stringify(error.issues), /"line":3.*put it in quotes/);
        assert.doesNotMatch(error.message + JSON.stringify(error) + String(error.stack), /hunter2/);
        return true;
      },
    );
  }
});
