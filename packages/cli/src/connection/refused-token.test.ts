import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { refuse, startFakeServer } from '@berth/client/fake-server';
import { world } from '../testing/berth.ts';

const refusal = refuse(401, 'unauthenticated', 'This token is not known to this server.', 'Ask an admin.');

test('bug: a wrong token was refused without a word about where it was set', async () => {
  await using server = await startFakeServer();
  await using w = await world(null);
  server.onAny('GET', '/projects/', refusal);
  const config = join(w.home, 'config.yml');
  const ps = async (env: Record<string, string>) => {
    const { code, stderr } = await w.berth(['ps'], { env });
    assert.equal(code, 2);
    return stderr;
  };

  const both = await ps({ BERTH_SERVER_URL: server.url, BERTH_TOKEN: 'wrong' });
  const inVariable = `error: ${server.url} refuses the token in the environment variable BERTH_TOKEN: This token is not known to this server.\n`;
  assert.equal(
    both,
    `${inVariable}  hint: set it to a good one: on the server \`berth user token create\` makes one\n`,
  );

  await w.write(config, `projects:\n  - name: team\n    url: ${server.url}\n    token: old\n    default: true\n`);
  const hidden = await ps({ BERTH_TOKEN: 'wrong' });
  assert.equal(
    hidden,
    `${inVariable}  hint: unset BERTH_TOKEN, and the one in ${config} is used, or set it to a good one\n`,
  );

  const inFile = await ps({});
  assert.ok(
    inFile.startsWith(`error: ${server.url} refuses the token of the project \`team\` in ${config}: This`),
    inFile,
  );
  assert.match(inFile, /hint: .*`berth project add --name team --url http/);

  const added = await w.berth(['project', 'add', '--name', 'x', '--url', server.url, '--token', 'wrong']);
  assert.equal(added.code, 2);
  assert.equal(
    added.stderr,
    `error: ${server.url} refuses the token that was given: This token is not known to this server.\n` +
      '  hint: give a good one: on the server `berth user token create` makes one\n',
  );

  const asJson = await w.berth(['ps', '--json'], { env: { BERTH_TOKEN: 'wrong' } });
  assert.deepEqual(JSON.parse(asJson.stdout).error.details.setting, { kind: 'environment', insteadOf: config });
});

test('bug: a token with a line break in it was a defect of ours', async () => {
  await using w = await world('http://127.0.0.1:1');
  for (const token of ['a\nb', 'blank ', 'é']) {
    const { code, stderr } = await w.berth(['ps'], { env: { BERTH_TOKEN: token } });
    assert.equal(code, 2);
    assert.match(stderr, /^error: the token in the environment variable BERTH_TOKEN has characters in it/);
  }
});
