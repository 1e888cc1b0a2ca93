import { appendFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Two files of this size at most: the agent speaks rarely, and nobody may be there to read it. */
const MAX_BYTES = 1024 * 1024;

/** What the agent has to say of itself, for whoever looks into its directory. Never of a job's contents. */
export class AgentLog {
  readonly #path: string;

  constructor(dir: string) {
    this.#path = join(dir, 'agent.log');
  }

  write(message: string): void {
    const line = `${new Date().toISOString()} ${message}\n`;
    try {
      if (sizeOf(this.#path) > MAX_BYTES) renameSync(this.#path, `${this.#path}.1`);
      appendFileSync(this.#path, line, { mode: 0o600 });
    } catch {
      // The disk may be full or gone; the agent goes on.
    }
  }
}

function sizeOf(path: string): number {
  try {
    return statSync(path).size;
  } catch {
    return 0;
  }
}
