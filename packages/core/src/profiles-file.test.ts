import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CheckedTask } from './configuration.ts';
import { BerthError } from './errors.ts';
import { parseConfiguration } from './parse-configuration.ts';
import { inheritedFrom, parseProfiles, selectProfile } from './profiles-file.ts';

const FILE = `
profiles:
  - name: cheap
    spot_policy: spot
    max_price: 1
    retry: true
    tags: {build: 1.10}
    max_duration: 2h
  - name: big
    default: true
    backends: [aws]
`;

const profiles = parseProfiles(FILE, { file: 'profiles.yml' });

function issuesOf(text: string): string[] {
  try {
    parseProfiles(text, { file: 'profiles.yml' });
  } catch (error) {
    assert.ok(error instanceof BerthError);
    return error.issues.map((issue) => `${issue.line}:${issue.column} ${issue.message}`);
  }
  return assert.fail('the profiles were taken');
}

test('a profile keeps its parameters as written', () => {
  assert.deepEqual(profiles, [
    {
      name: 'cheap',
      isDefault: false,
      parameters: { spot_policy: 'spot', max_price: 1, retry: true, tags: { build: '1.10' }, max_duration: '2h' },
    },
    { name: 'big', isDefault: true, parameters: { backends: ['aws'] } },
  ]);
});

test('a profile is chosen by name, the default one without a name', () => {
  assert.equal(selectProfile(profiles, 'cheap')?.name, 'cheap');
  assert.equal(selectProfile(profiles, null)?.name, 'big');
  assert.equal(selectProfile([], null), null);
  assert.throws(() => selectProfile(profiles, 'chep'), { code: 'not-found', hint: 'did you mean `cheap`?' });
  assert.throws(() => selectProfile(profiles, 'something'), { hint: 'there are `cheap` or `big`' });
});

test('what a configuration sets itself wins, whole value by whole value; null sets nothing', () => {
  const [cheap] = profiles;
  assert.ok(cheap);
  const text = 'type: task\ncommands: [a]\nmax_price: 5\nspot_policy:\ntags: {own: x}\nretry: false\n';
  const task = parseConfiguration(text, { file: 'a.yml', profile: cheap }) as CheckedTask;
  assert.equal(task.fields.max_price, 5);
  assert.equal(task.fields.spot_policy, 'spot');
  assert.deepEqual(task.fields.tags, { own: 'x' });
  assert.equal(task.fields.retry, false);
  assert.equal(task.fields.max_duration, 7200);
  // What is sent, kept and compared holds the profile's part too.
  assert.equal(task.source.max_duration, '2h');
});

test('off in a configuration is a value, and wins', () => {
  const [cheap] = profiles;
  assert.ok(cheap);
  const task = parseConfiguration('type: task\ncommands: [a]\nmax_duration: off\n', {
    file: 'a.yml',
    profile: cheap,
  }) as CheckedTask;
  assert.equal(task.fields.max_duration, 'off');
});

test('a fleet takes only what fleets have', () => {
  const [cheap] = profiles;
  assert.ok(cheap);
  assert.deepEqual(inheritedFrom(cheap, { type: 'fleet', max_price: 3 }), {
    spot_policy: 'spot',
    tags: { build: '1.10' },
  });
});

test('mistakes in profiles have their place', () => {
  assert.deepEqual(issuesOf('profiles:\n  - name: a\n    sot_policy: spot\n'), [
    '3:5 unknown key `sot_policy` in `profiles[0]`',
  ]);
  assert.deepEqual(issuesOf('profiles:\n  - name: a\n    max_duration: 1 year\n')[0]?.slice(0, 5), '3:19 ');
  assert.deepEqual(issuesOf('profiles:\n  - spot_policy: spot\n'), ['2:5 `profiles[0].name` is missing']);
  assert.deepEqual(issuesOf('profiles: [{name: a}, {name: a}]\n'), ['1:30 the profile `a` is given twice']);
  assert.deepEqual(issuesOf('profiles: [{name: a, default: true}, {name: b, default: yes}]\n'), [
    '1:57 there is a default profile already',
  ]);
  assert.match(issuesOf('profiles: 5\n')[0] ?? '', /must be a list/);
  assert.match(issuesOf('type: task\n').join(), /unknown key `type`/);
  assert.throws(() => parseProfiles('profiles: [{name: a, schedule: {cron: x}}]', { file: 'p.yml' }), {
    code: 'not-supported',
  });
});
