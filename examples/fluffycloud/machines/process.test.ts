import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { newSshKeyPair } from '../ssh-key-pair.ts';
import { ProcessMachines } from './process.ts';
import { MARKER } from './process-machine.ts';
import { processesWith } from './process-table.ts';

const linux = { skip: process.platform === 'linux' ? false : 'needs Linux' };

test(
  'a machine that a dead cloud had begun to start is ended before another is started in its place',
  linux,
  async () => {
    const dir = mkdtempSync(join(tmpdir(), 'fluffy-'));
    const spec = {
      id: 'fi-1',
      seq: 1,
      name: 'one',
      vcpus: 1,
      memoryMib: 1024,
      sshPublicKeys: [],
      userData: null,
      hostKey: newSshKeyPair(),
    };
    // Of the mark's first part another cloud's machines have another.
    const cloudId = `test-${process.pid}`;
    try {
      const dead = new ProcessMachines(dir, cloudId).run(spec).catch(() => {});
      await sleep(20);
      assert.equal(processesWith(MARKER, `${cloudId}/fi-1`).length, 1);
      const machines = new ProcessMachines(dir, cloudId);
      const address = await machines.run(spec);
      assert.equal(processesWith(MARKER, `${cloudId}/fi-1`).length, 1);
      assert.deepEqual(await machines.run(spec), address);
      await dead;
      await machines.destroy('fi-1');
      assert.equal(processesWith(MARKER, `${cloudId}/fi-1`).length, 0);
      assert.equal((await machines.list()).size, 0);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  },
);
