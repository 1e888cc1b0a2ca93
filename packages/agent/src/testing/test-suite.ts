import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { after, before } from 'node:test';
import type { BlobHash } from '@berth/core/ids';
import type { FileRef } from '@berth/core/job-spec';
import { blobOf, makeTar, type TarEntry } from './tar-writer.ts';
import { TestAgent, type TestAgentOptions } from './test-agent.ts';
import type { TestServer } from './test-server.ts';

/** One agent and one server for all tests of a file. */
export interface Bench {
  readonly agent: TestAgent;
  readonly server: TestServer;
  /** Sends an archive with these entries and returns its hash. */
  send(entries: readonly TarEntry[]): Promise<BlobHash>;
  /** Sends one file, to be found at `path`. */
  sendFile(path: string, content: string): Promise<FileRef>;
}

/** Starts them before the first test of the file; afterwards checks that the link kept its promises. */
export function useBench(options: TestAgentOptions = {}): Bench {
  const hooks: (() => Promise<void>)[] = [];
  let agent: TestAgent | null = null;
  let server: TestServer | null = null;
  before(async () => {
    agent = await TestAgent.start({ after: (hook) => void hooks.push(hook) }, options);
    server = await agent.connect();
  });
  after(async () => {
    bench.server.link.close();
    for (const hook of hooks) await hook();
    assert.deepEqual(bench.server.faults, [], 'nothing came twice, nothing was left out');
  });
  const bench: Bench = {
    get agent() {
      if (agent === null) throw new Error('The tests have not begun.');
      return agent;
    },
    get server() {
      if (server === null) throw new Error('The tests have not begun.');
      return server;
    },
    async send(entries) {
      const { hash, bytes } = blobOf(makeTar(entries));
      await bench.server.link.putBlob(hash, Readable.from([bytes]));
      return hash;
    },
    async sendFile(path, content) {
      return { blob: await bench.send([{ path: 'f', content }]), bytes: 1, path };
    },
  };
  return bench;
}
