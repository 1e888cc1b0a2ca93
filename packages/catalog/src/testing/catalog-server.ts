/** A web server over a published directory that misbehaves when told to. */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createHttp, type Http } from '@berth/http';

/** True: it has answered; otherwise the file is served as it is. */
export type Misbehaviour = (request: IncomingMessage, response: ServerResponse, file: Buffer | null) => boolean;

export interface CatalogServer {
  readonly url: string;
  /** `GET /v1/latest.json 304`, in the order of their ends. */
  readonly answers: string[];
  misbehave: Misbehaviour | null;
}

export async function serveCatalog(t: TestContext, root: string): Promise<CatalogServer> {
  const served: { answers: string[]; misbehave: Misbehaviour | null } = { answers: [], misbehave: null };
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    response.on('close', () => served.answers.push(`${request.method} ${path} ${response.statusCode}`));
    const file = await readFile(join(root, path)).catch(() => null);
    if (served.misbehave?.(request, response, file)) return;
    if (file === null) {
      response.writeHead(404).end();
      return;
    }
    const etag = `"${createHash('sha256').update(file).digest('hex')}"`;
    if (request.headers['if-none-match'] === etag) response.writeHead(304, { etag }).end();
    else response.writeHead(200, { etag, 'content-length': file.length }).end(file);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  // A TCP server has an address of this form once it listens.
  const { port } = server.address() as AddressInfo;
  return Object.assign(served, { url: `http://127.0.0.1:${port}` });
}

/** Retries without waiting. */
export function testHttp(): Http {
  return createHttp({ now: Date.now, sleep: async () => undefined, random: () => 0 });
}

export async function temporaryDir(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'berth-catalog-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}
