import type { Client } from '@berth/client/client';
import type { RunView } from '@berth/core/api-schemas';
import { defineCommand, withJson } from '../command.ts';
import { printJson } from '../output/json.ts';
import { parseCount } from '../output/parse-option.ts';
import { formatRuns } from '../output/runs.ts';
import { print } from '../output/write.ts';

interface Options {
  readonly all?: true;
  readonly watch?: true;
  readonly last?: number;
  readonly json?: true;
}

/** The most that the server gives in one answer. */
const PAGE = 1000;

export default defineCommand<Options>({
  define: (parser) =>
    withJson(
      parser
        .option('-a, --all', 'also runs that are finished')
        .option('-n, --last <number>', 'the last runs, finished or not', parseCount)
        .option('-w, --watch', 'go on and show every change; with --json one object a line'),
    ),
  examples: ['berth ps', 'berth ps --last 5', "berth ps --all --json | jq '.runs[].name'"],
  async run(context, options) {
    const client = await context.client();
    if (options.watch === true) {
      const { watchRuns } = await import('../watch-runs.ts');
      const whenEmpty = options.all === true || options.last !== undefined ? 'There are no runs.' : 'Nothing runs.';
      await watchRuns(client, () => listRuns(client, options), { json: options.json === true, whenEmpty });
      return;
    }
    const runs = await listRuns(client, options);
    if (options.json === true) {
      printJson({ runs });
      return;
    }
    if (runs.length > 0 || options.all === true || options.last !== undefined) {
      print(`${formatRuns(runs, Date.now())}\n`);
      return;
    }
    const last = await listRuns(client, { last: 1 });
    const more = last.length === 0 ? 'Start one with `berth apply`.' : `The last one:\n${formatRuns(last, Date.now())}`;
    print(`Nothing runs. ${more}\n`);
  },
});

async function listRuns(client: Client, options: Options): Promise<RunView[]> {
  if (options.last !== undefined) return (await client.call('run.list', { query: { limit: options.last } })).runs;
  const live = options.all === true ? {} : { live: 'true' as const };
  const runs: RunView[] = [];
  for (let after: string | null | undefined; after !== null; ) {
    const page = await client.call('run.list', { query: { limit: PAGE, after, ...live } });
    runs.push(...page.runs);
    after = page.next;
  }
  return runs;
}
