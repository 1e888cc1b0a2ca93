import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { parse, stringify } from 'yaml';
import { readConfig } from './config-file.ts';
import { editConfig } from './edit-config.ts';
import { readSimpleConfig } from './simple-yaml.ts';

const SERVERS = `# Projects that the \`berth\` command knows: each with its server and your token there.
projects:
  - name: main
    url: http://127.0.0.1:3000
    token: berth_0123
    default: true
`;
const DSTACKS = `projects:
- default: true
  name: main
  token: 'abc: #1'
  url: https://sky.example

- name: "other"
  token: 12
  url: https://other.example/
`;

async function withFile(text: string | null, use: (path: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'berth-config-'));
  try {
    const path = join(dir, 'config.yml');
    if (text !== null) await writeFile(path, text);
    await use(path);
  } finally {
    await rm(dir, { recursive: true });
  }
}

test('what servers and dstack write is read without the YAML library', () => {
  assert.deepEqual(readSimpleConfig(SERVERS), [
    { name: 'main', url: 'http://127.0.0.1:3000', token: 'berth_0123', default: 'true' },
  ]);
  assert.deepEqual(readSimpleConfig(DSTACKS), [
    { default: 'true', name: 'main', token: 'abc: #1', url: 'https://sky.example' },
    { name: 'other', token: '12', url: 'https://other.example/' },
  ]);
});

test('what the short way reads means the same to the YAML library', () => {
  const value = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.constantFrom(
      'true',
      'null',
      '1e3',
      '0x1f',
      '~',
      '- x',
      'a: b',
      'a #b',
      '*a',
      '&a',
      '!t',
      '{}',
      '[]',
      '|',
      '>',
      'x:',
      ':x',
      "it's",
      '"q"',
    ),
  );
  const line = fc.tuple(fc.constantFrom('- ', '  ', '    ', ''), fc.constantFrom('name', 'url', 'default'), value);
  fc.assert(
    fc.property(fc.array(line, { maxLength: 6 }), (lines) => {
      const text = ['projects:', ...lines.map(([lead, key, v]) => `  ${lead}${key}: ${v}`)].join('\n');
      const simple = readSimpleConfig(text);
      if (simple === null) return;
      assert.deepEqual(parse(text, { schema: 'failsafe' }).projects || [], simple);
    }),
    { numRuns: 2000 },
  );
});

test('whatever else is YAML is read too, and what a program wrote always', async () => {
  const entry = fc.record({ name: fc.string({ minLength: 1 }), token: fc.string({ minLength: 1 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { minLength: 1, maxLength: 3 }), async (entries) => {
      const written = entries.map((e) => ({ ...e, url: 'http://x' }));
      await withFile(stringify({ projects: written }), async (path) => {
        const read = await readConfig(path);
        assert.deepEqual(
          read.map(({ name, token }) => ({ name, token })),
          entries.map(({ name, token }) => ({ name, token })),
        );
      });
    }),
    { numRuns: 30 },
  );
});

test('no file, an empty one and one without projects are no entries', async () => {
  for (const text of [null, '', '# nothing\n', 'projects:\n', 'projects: []\n']) {
    await withFile(text, async (path) => assert.deepEqual(await readConfig(path), [], String(text)));
  }
});

test('a file that is broken is said to be, with its path', async () => {
  for (const text of [
    'projects: {',
    'projects:\n  - name: x\n',
    'projects: 7\n',
    'projects:\n  - name: x\n    url: nonsense\n    token: t\n',
    'other: 1\n',
  ]) {
    await withFile(text, async (path) => {
      await assert.rejects(readConfig(path), (error: Error & { code: string }) => {
        assert.equal(error.code, 'invalid-configuration', text);
        assert.ok(error.message.includes(path), error.message);
        return true;
      });
    });
  }
});

test('an entry is added, changed, chosen and removed; comments stay, and the file is for its owner only', async () => {
  await withFile(SERVERS, async (path) => {
    const put = { name: 'team', url: 'https://x.example', token: 't', isDefault: true };
    editConfig(path, (projects) => projects.put(put));
    assert.deepEqual(
      (await readConfig(path)).map(({ name, isDefault }) => [name, isDefault]),
      [
        ['main', false],
        ['team', true],
      ],
    );
    editConfig(path, (projects) => {
      projects.put({ ...put, token: 'new', isDefault: false });
      assert.equal(projects.setDefault('nobody'), false);
      assert.equal(projects.setDefault('main'), true);
    });
    const text = await readFile(path, 'utf8');
    assert.match(text, /^# Projects that/);
    assert.notEqual(readSimpleConfig(text), null, 'commands still read it the short way');
    editConfig(path, (projects) => assert.equal(projects.remove('main'), true));
    assert.deepEqual(await readConfig(path), [{ ...put, token: 'new', isDefault: true }], 'one is always the default');
    assert.equal((await stat(path)).mode & 0o777, 0o600);
  });
});

test('the first entry makes the file', async () => {
  await withFile(null, async (path) => {
    const entry = { name: 'main', url: 'http://x', token: 't', isDefault: true };
    editConfig(path, (projects) => projects.put(entry));
    assert.deepEqual(await readConfig(path), [entry]);
  });
});
