/** Runs on a machine that is elsewhere: reached by SSH, given an agent by SSH, through the real command line and server. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { InstanceView, RunView } from '@berth/core/api-schemas';
import { OUR_NODE, requireSshd, TestSshd, tools } from '@berth/server/testing/sshd';
import { Home, until } from './home.ts';

/** A cloud with one machine, which lets in whom it is told to. What it holds is in a file. */
const METAL = `
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineBackend, owned } from '@berth/backend';
import { offerId } from '@berth/core';
import { z } from 'zod';

export default defineBackend({
  type: 'metal',
  title: 'One machine',
  kind: 'vm',
  limits: { nameLength: 63, tags: true, provisioningTimeoutMs: 60_000, listLagMs: 0 },
  agentStart: 'ssh',
  credentials: { default: z.strictObject({}) },
  config: z.strictObject({ port: z.number(), user: z.string(), keys: z.string() }),
  configure: async ({ config }) => ({ config, account: 'metal' }),
  catalog: owned({
    cacheForMs: 0,
    query: async ({ name }) => {
      const identity = { backend: name, instanceType: 'box', region: 'rack', zone: null, capacityType: 'on-demand' };
      const resources = { cpus: 1, cpuArch: 'x86', memoryMiB: 1024, diskMiB: 102400, accelerators: [] };
      return [{ id: offerId(identity), ...identity, pricePerHour: 1, availability: 'available', resources }];
    },
  }),
  compute: ({ config, stateDir }) => {
    const file = join(stateDir, 'machines.json');
    const read = () => { try { return JSON.parse(readFileSync(file, 'utf8')); } catch { return []; } };
    return {
      create: async ({ token, name, agentStart }) => {
        if (agentStart.kind !== 'ssh') throw new Error('metal is reached by SSH');
        writeFileSync(config.keys, agentStart.authorizedKeys.join('\\n') + '\\n', { mode: 0o600 });
        const address = { kind: 'ssh', host: '127.0.0.1', port: config.port, user: config.user, hostKeys: [] };
        const machine = { cloudId: token, token, name, region: 'rack', zone: null, state: 'running', address, internalIp: '127.0.0.1' };
        writeFileSync(file, JSON.stringify([...read(), machine]));
        return machine;
      },
      list: async () => read(),
      terminate: async ({ cloudId }) => writeFileSync(file, JSON.stringify(read().filter((one) => one.cloudId !== cloudId))),
    };
  },
});
`;

test('a run goes to a machine elsewhere, and again after its agent, the machine and the server have died', async (t) => {
  if (!(await requireSshd(t))) return;
  await using home = new Home();
  const metal = join(home.dir, 'backends', 'metal');
  mkdirSync(metal, { recursive: true, mode: 0o700 });
  writeFileSync(join(metal, 'package.json'), '{"name":"metal","type":"module","berth":{"backend":"./index.js"}}');
  writeFileSync(join(metal, 'index.js'), METAL);
  const sshd = await TestSshd.start(t, {
    authorizedKeys: [], // the cloud puts ours there
    path: `${tools(t, { node: OUR_NODE })}:/usr/bin:/bin`,
  });
  const { port, user } = sshd.address;
  const config = { projects: [{ name: 'main', backends: [{ type: 'metal', port, user, keys: sshd.keysFile }] }] };
  mkdirSync(join(home.dir, 'server'), { mode: 0o700 });
  writeFileSync(join(home.dir, 'server', 'config.yml'), JSON.stringify({ ...config, catalog: { online: false } }));

  const run = async (name: string): Promise<void> => {
    const stdin = `type: task\nname: ${name}\nidle_duration: 1h\ncommands: ['pwd; mkdir out; echo ${name} >out/name']\nartifacts: [out]\n`;
    const { code, stdout, seen } = await home.berth(['apply', '-y', '-f', '-'], { stdin });
    assert.equal(code, 0, seen);
    assert.ok(stdout.toString().startsWith(`${sshd.home}/.berth-agent/`), seen);
    assert.equal(readFileSync(join(home.work, 'artifacts', name, 'out', 'name'), 'utf8'), `${name}\n`);
  };
  await run('one');
  const idle = async (): Promise<InstanceView> => {
    const instances = await home.json<readonly InstanceView[]>(['instance', 'list']);
    const [instance, ...others] = instances;
    assert.ok(instance !== undefined && others.length === 0, JSON.stringify(instances));
    return instance;
  };
  const first = await idle();
  for (const pid of sshd.agents()) process.kill(pid, 'SIGKILL');
  await until(() => sshd.agents().length === 1, 'the agent is started again');
  await run('two');
  await sshd.reboot();
  await until(() => sshd.agents().length === 1, 'the agent is started again');
  await home.killServer();
  await run('three');
  assert.equal((await idle()).name, first.name);
  assert.equal(sshd.agents().length, 1);
  assert.equal((await home.json<RunView>(['run', 'get', 'three'])).status, 'done');
});
