import { request } from 'node:http';

/** The Docker Engine said no. */
export class DockerError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'DockerError';
    this.status = status;
  }
}

/** Longest call: stopping a machine that does not want to. */
const CALL_LIMIT_MS = 60_000;

/** The few calls of the Docker Engine's HTTP API (version 1.41 and later) that a cloud needs. */
export class DockerEngine {
  readonly #socketPath: string;

  constructor(socketPath = (process.env['DOCKER_HOST'] ?? '').replace(/^unix:\/\//, '') || '/var/run/docker.sock') {
    this.#socketPath = socketPath;
  }

  /** The answer's JSON, unparsed if it is none. @throws DockerError */
  call(method: string, path: string, body?: unknown): Promise<unknown> {
    const payload = Buffer.isBuffer(body) ? body : body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const type = Buffer.isBuffer(body) ? 'application/x-tar' : 'application/json';
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          socketPath: this.#socketPath,
          method,
          path: `/v1.41${path}`,
          timeout: CALL_LIMIT_MS,
          headers: payload === undefined ? {} : { 'content-type': type, 'content-length': payload.length },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString();
            const answer = parse(text);
            const status = response.statusCode ?? 0;
            // 304: it was in that state before.
            if (status < 400) resolve(answer);
            else reject(new DockerError(status, `docker: ${method} ${path}: ${messageOf(answer) ?? text}`));
          });
        },
      );
      sent.on('timeout', () => sent.destroy(new Error(`docker: ${method} ${path} was not answered`)));
      sent.on('error', reject);
      sent.end(payload);
    });
  }

  /** As `call`, but one of these refusals is as good. */
  async callUnless(statuses: readonly number[], method: string, path: string, body?: unknown): Promise<void> {
    try {
      await this.call(method, path, body);
    } catch (error) {
      if (!(error instanceof DockerError && statuses.includes(error.status))) throw error;
    }
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function messageOf(answer: unknown): string | undefined {
  return typeof answer === 'object' && answer !== null && 'message' in answer ? String(answer.message) : undefined;
}
