/** What a process takes of the machine, as Linux tells in `/proc`. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Resident memory now, in MiB. */
export function residentMiB(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (kib === undefined) throw new Error(`process ${pid} has no memory: it has ended`);
  return Number(kib) / 1024;
}

/** CPU time of all threads that live, in ms. The scheduler counts nanoseconds where `stat` counts ticks of 10 ms. */
export function cpuMs(pid: number): number {
  let ns = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    ns += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
  }
  return ns / 1e6;
}

/** Watches resident memory until it is told to stop; then says the most that it saw, in MiB. */
export function watchMemory(pid: number, everyMs = 20): { stop(): Promise<number> } {
  let most = residentMiB(pid);
  let stopped = false;
  const watching = (async () => {
    while (!stopped) {
      await sleep(everyMs);
      most = Math.max(most, residentMiB(pid));
    }
  })();
  return {
    async stop() {
      stopped = true;
      await watching;
      return most;
    },
  };
}
