import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { TestServer } from '@berth/agent/testing/test-server';
import type { InstanceId } from '@berth/core/ids';
import { Secret } from '@berth/core/secret';
import { homeAt, prepareHome } from '@berth/server/config/home';
import { installationKey } from '@berth/server/start/installation-key';
import { QUIET_LOG } from '@berth/server/testing/quiet-log';
import { OUR_NODE, requireSshd, TestSshd, tools } from '@berth/server/testing/sshd';
import { build } from 'esbuild';
import { buildAgent, COMMON } from './build-agent.ts';

// ssh2 is CommonJS, looks for native parts and for where it lies: what works from source may not when it is built.
test('what is built reaches a machine by SSH and starts the built agent there', { timeout: 60_000 }, async (t) => {
  if (!(await requireSshd(t))) return;
  const root = mkdtempSync(join(tmpdir(), 'berth-built-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const dist = join(root, 'dist');
  await build({
    ...COMMON,
    entryPoints: { machines: 'packages/server/src/agents/ssh-machines.ts' },
    outdir: dist,
    splitting: true,
  });
  await buildAgent(join(dist, 'agent.js'));
  const built = (await import(join(dist, 'machines.js'))) as typeof import('@berth/server/agents/ssh-machines'); // its build

  const home = homeAt(join(root, 'home'));
  prepareHome(home);
  const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
  const sshd = await TestSshd.start(t, {
    authorizedKeys: [installationKey(home, random).public],
    path: `${tools(t, { node: OUR_NODE })}:/usr/bin:/bin`,
  });
  const machines = new built.SshMachines({ home, random, log: QUIET_LOG, isGone: async () => false });
  const instance = '0123456789abcdefghjkmnpqrs' as InstanceId;
  const machine = { instance, address: sshd.address, secret: new Secret('s'), hasOurHostKey: false };
  const server = new TestServer(instance);
  const link = await server.connect(await machines.connect(machine, AbortSignal.timeout(30_000)), 's');
  assert.equal(link.agent.instance, instance);
  link.close();
});
