/** This machine as a fake of itself: the real backend with real processes, in folders that go away. */
import type { CloudInstance } from '@berth/backend';
import { defineConformance, type FakeMachine, type Started } from '@berth/backend/conformance/fake';
import { type InstanceRecord, InstanceRecords } from './instance-records.ts';
import { REGION } from './local-offers.ts';
import { findAgent } from './process-identity.ts';

export default defineConformance({
  start: async ({ stateDir }) => {
    const records = new InstanceRecords(stateDir);
    const all = async (): Promise<readonly InstanceRecord[]> => (await records.readAll()).records;
    return {
      // Nobody needs credentials for a machine that is his own.
      entry: (account) =>
        account === 'good'
          ? {
              name: 'local',
              type: 'local',
              config: { max_instances: 64 },
              credentials: { kind: 'default', value: null },
            }
          : null,
      machines: async () => await Promise.all((await all()).map(told)),
      started: async (cloudId) => {
        const record = (await all()).find(({ token }) => cloudId === `local-${token}`);
        return record === undefined ? null : await startedOf(record);
      },
      close: async () => {
        for (const record of await all()) {
          const agent = await findAgent(record);
          if (agent !== null) process.kill(-agent.pid, 'SIGKILL');
        }
      },
    };
  },
});

async function told(record: InstanceRecord): Promise<FakeMachine> {
  const state: CloudInstance['state'] = record.terminating ? 'terminating' : 'running';
  const { token, instanceType, name = '', tags = {} } = record;
  const cloudId = `local-${token}`;
  return { cloudId, name, tags, state, billed: true, instanceType, region: REGION, zone: null };
}

async function startedOf(record: InstanceRecord): Promise<Started> {
  return { reached: (await findAgent(record)) !== null };
}
