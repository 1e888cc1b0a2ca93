import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRepo, repoSchema } from './repo-spec.ts';

test('a path, a URL and either with a place in the job are told apart', () => {
  const cases: readonly (readonly [string, 'local' | 'url', string, string])[] = [
    ['.', 'local', '.', '.'],
    ['..:/code', 'local', '..', '/code'],
    ['/src/app:~/app', 'local', '/src/app', '~/app'],
    ['./a:./b', 'local', './a', './b'],
    ['https://git.example/a/b.git', 'url', 'https://git.example/a/b.git', '.'],
    ['https://git.example:8443/a/b', 'url', 'https://git.example:8443/a/b', '.'],
    ['https://git.example/a/b:/code', 'url', 'https://git.example/a/b', '/code'],
    ['ssh://git@git.example:22/a/b.git', 'url', 'ssh://git@git.example:22/a/b.git', '.'],
    ['git@git.example:a/b.git', 'url', 'git@git.example:a/b.git', '.'],
    ['git@git.example:a/b.git:/code', 'url', 'git@git.example:a/b.git', '/code'],
    ['git@git.example:/srv/b.git', 'url', 'git@git.example:/srv/b.git', '.'],
    ['git@git.example:/srv/b.git:/code', 'url', 'git@git.example:/srv/b.git', '/code'],
  ];
  for (const [text, kind, where, path] of cases) {
    const source = kind === 'url' ? { kind, url: where } : { kind, path: where };
    assert.deepEqual(parseRepo(text), { source, path, branch: null, hash: null, ifExists: 'error' }, text);
  }
});

test('the map form names branch, commit and what to do with an existing folder', () => {
  assert.deepEqual(
    repoSchema.parse({ url: 'https://git.example/a/b', branch: 'dev', hash: 'abcdef1', path: '/w', if_exists: 'skip' }),
    {
      source: { kind: 'url', url: 'https://git.example/a/b' },
      path: '/w',
      branch: 'dev',
      hash: 'abcdef1',
      ifExists: 'skip',
    },
  );
});

test('what cannot be meant is refused', () => {
  for (const value of [
    '',
    ' ',
    {},
    { local_path: '.', url: 'https://x/y' },
    { local_path: '.', branch: 'dev' },
    { url: 'x' },
    { url: 'https://x/y', hash: 'HEAD' },
  ]) {
    assert.equal(repoSchema.safeParse(value).success, false, JSON.stringify(value));
  }
});
