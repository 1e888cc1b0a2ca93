/** What `berth backend check fluffycloud` runs against: FluffyCloud itself, with machines of paper. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { defineConformance, type FakeMachine, type Situation } from '@berth/backend/conformance/fake';
import { z } from 'zod';
import { Machine } from './api.ts';

const SERVER = fileURLToPath(new URL('../../../examples/fluffycloud/server.ts', import.meta.url));
/** The kit asks faster than an account may. */
const OPTIONS = ['--machines', 'paper', '--boot-ms', '0', '--stop-ms', '0', '--list-lag-ms', '0', '--rate', '10000'];
const QUOTA_VCPUS = 64;
const HOUR_MS = 3_600_000;
const ANY = z.unknown();

const Started = z.object({ url: z.string(), admin_token: z.string() });
const Key = z.object({ key: z.string() });
const Report = z.object({
  machines: z.array(
    z.object({
      instance_id: z.string(),
      name: z.string(),
      tags: z.record(z.string(), z.string()),
      region: z.string(),
      instance_type: z.string(),
      spot: z.boolean(),
      status: Machine.shape.status,
      ssh_public_keys: z.array(z.string()),
      billed: z.enum(['full', 'disk', 'none']),
    }),
  ),
});

export default defineConformance({
  async start({ dir, front }) {
    if (!existsSync(SERVER)) throw new Error(`FluffyCloud is in clones of Berth only, and not at ${SERVER}.`);
    const child = spawn(process.execPath, [SERVER, '--port', '0', '--data', dir, ...OPTIONS], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const { url, admin_token: token } = Started.parse(JSON.parse(await firstLine(child)));

    const ask = async <T>(
      method: string,
      path: string,
      schema: z.ZodType<T>,
      body?: unknown,
      key = token,
    ): Promise<T> => {
      const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
      const sent = body === undefined ? {} : { body: JSON.stringify(body) };
      const response = await fetch(new URL(path, url), { method, headers, ...sent });
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
      return schema.parse(text === '' ? null : JSON.parse(text));
    };
    const newKey = async (more: object): Promise<string> =>
      (await ask('POST', '/admin/keys', Key, { name: 'check', ...more })).key;
    const keys = {
      good: await newKey({}),
      wrong: 'fluffy_0000000000000000000000000000000000000000',
      expired: await newKey({ expires_in_s: 0 }),
      'read-only': await newKey({ read_only: true }),
    };
    const truth = async () => (await ask('GET', '/admin/machines', Report)).machines;
    const change = async (fault: object): Promise<void> => {
      await ask('POST', '/admin/faults', ANY, fault);
    };
    /** What ends a situation. */
    const undo: (() => Promise<void>)[] = [];
    const until = async (fault: object, back: object): Promise<true> => {
      await change(fault);
      undo.push(() => change(back));
      return true;
    };

    async function enter(what: Situation): Promise<boolean> {
      switch (what.kind) {
        case 'no-capacity': {
          const { instanceType, region, capacityType } = what.offer;
          const stock = { kind: 'stock', region, instance_type: instanceType, spot: capacityType === 'spot' };
          return await until({ ...stock, left: 0 }, { ...stock, left: null });
        }
        case 'quota':
          return await until({ kind: 'quota', vcpus: 0 }, { kind: 'quota', vcpus: QUOTA_VCPUS });
        case 'list-late':
          return await until({ kind: 'list-lag', ms: what.ms }, { kind: 'list-lag', ms: 0 });
        case 'credentials-lost':
          return await until({ kind: 'revoke-keys', for_ms: HOUR_MS }, { kind: 'revoke-keys', for_ms: 0 });
        case 'delete-ignored':
          await change({ kind: 'ignore', operation: 'terminate', times: 1_000 });
          return true;
        case 'kill':
          await change({ kind: 'kill', instance_id: what.cloudId });
          return true;
        case 'price': {
          const price = (dollars: number) => ({
            kind: 'price',
            instance_type: what.offer.instanceType,
            on_demand_cents: dollars * 100,
            spot_cents: null,
          });
          return await until(price(what.pricePerHour), price(what.offer.pricePerHour));
        }
        case 'slow-boot':
          return await until({ kind: 'times', boot_ms: what.ms }, { kind: 'times', boot_ms: 0 });
        case 'slow-terminate':
          return await until({ kind: 'times', stop_ms: what.ms }, { kind: 'times', stop_ms: 0 });
        // It has no groups.
        default:
          return false;
      }
    }

    const fronted = await front(url);
    return {
      entry: (who) => ({
        name: 'check',
        type: 'fluffycloud',
        config: { api_url: fronted },
        credentials: { kind: 'api_key', value: { api_key: keys[who] } },
      }),
      machines: async () =>
        (await truth()).map(
          (one): FakeMachine => ({
            cloudId: one.instance_id,
            name: one.name,
            tags: one.tags,
            state: one.status,
            billed: one.billed !== 'none',
            instanceType: one.instance_type,
            region: one.region,
            zone: null,
            capacityType: one.spot ? 'spot' : 'on-demand',
          }),
        ),
      plant: async (neighbour) => {
        const body = { ...neighbour, instance_type: 'puff.small', region: 'north-1' };
        return (await ask('POST', '/v1/instances', Machine, body, keys.good)).id;
      },
      started: async (cloudId) => {
        const machine = (await truth()).find((one) => one.instance_id === cloudId);
        return machine === undefined ? null : { authorizedKeys: machine.ssh_public_keys };
      },
      situation: enter,
      reset: async () => {
        await ask('DELETE', '/admin/faults', ANY);
        for (const back of undo.splice(0).reverse()) await back();
      },
      pageSize: 20,
      close: async () => {
        await ask('DELETE', '/admin', ANY).catch(() => undefined); // it ends while it answers
        child.kill();
      },
    };
  },
});

/** @throws Error when the cloud ends before it has said where it is */
async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('FluffyCloud has no output.');
  for await (const line of createInterface(child.stdout)) return line;
  throw new Error(`FluffyCloud ended before it said where it is: ${SERVER}`);
}
