// biome-ignore-all lint/suspicious/noTemplateCurlyInString: `${{ … }}` is the language under test
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CheckedTask } from './configuration.ts';
import type { WorkSpec } from './job-spec.ts';
import { parseConfiguration } from './parse-configuration.ts';
import { toRunSpec } from './run-spec.ts';
import { Secret } from './secret.ts';
import { revealSecrets, secretNames } from './work-secrets.ts';

function workOf(text: string): WorkSpec {
  const task = parseConfiguration(text, { file: 'a.yml', environment: { RAW: '${{ secrets.b }}' } }) as CheckedTask;
  return toRunSpec(task, { name: 'a', code: null, files: [] }).work;
}

const work = workOf(`
type: task
image: x
commands: [a]
registry_auth: {username: "\${{ env.USER }}", password: "\${{ secrets.pw }}"}
env:
  - USER=u-\${{ secrets.a }}
  - BOTH=\${{ secrets.a }}\${{ secrets.b }}
  - RAW
  - TEXT=$\${{ x }}
`);
const secrets = new Map(
  Object.entries({ a: 'A$', b: '{{ secrets.a }}', pw: '${{ secrets.a }}' }).map(([k, v]) => [k, new Secret(v)]),
);

test('the names of secrets are found once each, wherever they are used', () => {
  assert.deepEqual(secretNames(work), ['a', 'b', 'pw']);
  assert.deepEqual(secretNames({ env: { A: 'plain' }, registryAuth: null }), []);
});

test('secrets are put in once; what they hold, and what callers gave, is never read again', () => {
  const revealed = revealSecrets(work, secrets);
  assert.deepEqual(revealed.env, {
    USER: 'u-A$',
    BOTH: 'A${{ secrets.a }}',
    RAW: '${{ secrets.b }}',
    TEXT: '${{ x }}',
  });
  assert.deepEqual(revealed.registryAuth, { username: 'u-A$', password: '${{ secrets.a }}' });
  assert.equal(revealed.image, 'x');
});

test('a secret that does not exist is named, with the nearest that does', () => {
  const one = new Map([['api_key', new Secret('x')]]);
  const needs = (name: string): WorkSpec => workOf(`type: task\ncommands: [a]\nenv: ["A=\${{ secrets.${name} }}"]\n`);
  assert.throws(() => revealSecrets(needs('api_kye'), one), {
    code: 'not-found',
    hint: 'did you mean `secrets.api_key`?',
  });
  assert.throws(() => revealSecrets(needs('other'), one), { hint: 'make it with `berth secret set other`' });
});
