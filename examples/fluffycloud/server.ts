/** The cloud as a program: see API.md, "Running the cloud". */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import type { CloudOptions } from './options.ts';
import { DEFAULTS, MACHINE_KINDS } from './options.ts';
import { startFluffyCloud } from './start.ts';

const number = z.coerce.number().int().min(0);

const flagsSchema = z.object({
  data: z.string(),
  port: number.max(65_535).default(DEFAULTS.port),
  machines: z.enum(MACHINE_KINDS).default(DEFAULTS.machines),
  'boot-ms': number.default(DEFAULTS.bootMs),
  'stop-ms': number.default(DEFAULTS.stopMs),
  'list-lag-ms': number.default(DEFAULTS.listLagMs),
  'terminated-listed-ms': number.default(DEFAULTS.terminatedListedMs),
  'page-size': number.min(1).max(20).default(DEFAULTS.pageSize),
  rate: number.min(1).default(DEFAULTS.rate),
  'quota-vcpus': number.default(DEFAULTS.quotaVcpus),
  'max-machines': number.default(DEFAULTS.maxMachines),
});

function readFlags(args: readonly string[]): Partial<CloudOptions> & { readonly dataDir: string } {
  const names = Object.keys(flagsSchema.shape).map((name) => [name, { type: 'string' }] as const);
  const { values } = parseArgs({ args: [...args], options: Object.fromEntries(names) });
  const flags = flagsSchema.parse(values);
  return {
    dataDir: flags.data,
    port: flags.port,
    machines: flags.machines,
    bootMs: flags['boot-ms'],
    stopMs: flags['stop-ms'],
    listLagMs: flags['list-lag-ms'],
    terminatedListedMs: flags['terminated-listed-ms'],
    pageSize: flags['page-size'],
    rate: flags.rate,
    quotaVcpus: flags['quota-vcpus'],
    maxMachines: flags['max-machines'],
    log: (line) => console.error(`fluffycloud: ${line}`),
  };
}

try {
  const flags = readFlags(process.argv.slice(2));
  const cloud = await startFluffyCloud(flags);
  const { url, adminToken, dataDir } = cloud;
  console.log(
    JSON.stringify({
      url,
      admin_token: adminToken,
      machines: flags.machines,
      data: dataDir,
      pid: process.pid,
    }),
  );
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void cloud.stop());
  await cloud.ended;
} catch (error) {
  console.error(`fluffycloud: ${error instanceof z.ZodError ? z.prettifyError(error) : error}`);
  process.exitCode = 1;
}
