/** Stands between a store and its database and takes the connection away at the worst moment: at a commit. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface PostgresProxy {
  /** To be put in the place of the server's own folder. */
  readonly folder: string;
  /**
   * What happens to the next commit that comes along: it does not arrive, or its answer does not; with
   * `for good`, nobody can connect afterwards.
   */
  spoilNextCommit(how: 'request lost' | 'answer lost' | 'answer lost for good'): void;
  readonly spoiled: number;
  close(): void;
}

const SOCKET = '.s.PGSQL.5432';
const COMMIT = Buffer.from('COMMIT\0');

/** `target`: the folder with the socket of the database. */
export async function startPostgresProxy(target: string): Promise<PostgresProxy> {
  const folder = mkdtempSync(join(tmpdir(), 'berth-pgp-'));
  const sockets = new Set<Socket>();
  let next: 'request lost' | 'answer lost' | 'answer lost for good' | null = null;
  let spoiled = 0;
  let refusing = false;
  const proxy = createServer((client) => {
    if (refusing) return void client.destroy();
    const database = createConnection(join(target, SOCKET));
    const cut = () => {
      client.destroy();
      database.destroy();
    };
    for (const socket of [client, database]) {
      sockets.add(socket);
      socket.on('error', cut);
      socket.on('close', cut);
    }
    let answerLost = false;
    client.on('data', (data) => {
      if (next !== null && data.includes(COMMIT)) {
        spoiled++;
        if (next === 'request lost') {
          next = null;
          return cut();
        }
        refusing = next === 'answer lost for good';
        next = null;
        answerLost = true;
      }
      database.write(data);
    });
    database.on('data', (data) => {
      if (!answerLost) client.write(data);
      // The answer has come, so that the commit has happened.
      else if (data.includes(COMMIT)) cut();
    });
  });
  await new Promise<void>((listening) => proxy.listen(join(folder, SOCKET), listening));
  return {
    folder,
    spoilNextCommit: (how) => {
      next = how;
    },
    get spoiled() {
      return spoiled;
    },
    close: () => {
      proxy.close();
      for (const socket of sockets) socket.destroy();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
