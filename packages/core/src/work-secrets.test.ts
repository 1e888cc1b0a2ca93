// biome-ignore-all lint/suspicious/noTemplateCurlyInString: `${{ … }}` is the language under test
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CheckedTask } from './configuration.ts';
import { resolveTemplate } from './interpolation.ts';
import type { WorkSpec } from './job-spec.ts';
import { parseConfiguration } from './parse-configuration.ts';
import { toRunSpec } from './run-spec.ts';
import { secretNames } from './work-secrets.ts';

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
test('the names of secrets are found once each, wherever they are used', () => {
  assert.deepEqual(secretNames(work), ['a', 'b', 'pw']);
  assert.deepEqual(secretNames({ env: { A: 'plain' }, registryAuth: null }), []);
});

test('secrets are put in once; what they hold, and what callers gave, is never read again', () => {
  const secrets = new Map([
    ['a', 'A$'],
    ['b', '{{ secrets.a }}'],
    ['pw', '${{ secrets.a }}'],
  ]);
  const plain = (template = ''): string => resolveTemplate(template, ({ name }) => secrets.get(name) ?? null);
  assert.equal(plain(work.env.USER), 'u-A$');
  assert.equal(plain(work.env.BOTH), 'A${{ secrets.a }}');
  assert.equal(plain(work.env.RAW), '${{ secrets.b }}');
  assert.equal(plain(work.env.TEXT), '${{ x }}');
  assert.equal(plain(work.registryAuth?.username), 'u-A$');
  assert.equal(plain(work.registryAuth?.password), '${{ secrets.a }}');
});
