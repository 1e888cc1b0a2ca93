import { defineCommand, withJson } from '../../command.ts';
import { printJson } from '../../output/json.ts';
import { formatRun } from '../../output/run.ts';
import { print } from '../../output/write.ts';

interface Options {
  readonly allJobs?: true;
  readonly json?: true;
}

export default defineCommand<Options, [run: string]>({
  define: (parser) =>
    withJson(
      parser.argument('<run>', 'name or id').option('--all-jobs', 'also the jobs of earlier attempts'),
    ).addHelpText(
      'after',
      '\nIn JSON a job says with `submission` which attempt it is of, counted from 0; elsewhere attempts count from 1.',
    ),
  examples: ['berth run get my-run', 'berth run get my-run --json | jq .cost'],
  async run(context, options, run) {
    const client = await context.client();
    const view = await client.call('run.get', {
      params: { run },
      query: options.allJobs === true ? { all_jobs: 'true' } : {},
    });
    if (options.json === true) printJson(view);
    else print(`${formatRun(view, Date.now())}\n`);
  },
});
