import { relative, resolve } from 'node:path';
import { BerthError } from '@berth/core/errors';
import { defaultArtifactsPath } from '../../artifacts-folder.ts';
import { defineCommand } from '../../command.ts';
import { fetchArtifacts, jobsWithArtifacts } from '../../fetch-artifacts.ts';
import { styledError } from '../../output/style.ts';
import { print, say } from '../../output/write.ts';

export default defineCommand<{ readonly output?: string }, [run: string]>({
  define: (parser) =>
    parser.argument('<run>', 'name or id').option('-o, --output <dir>', 'where to; artifacts/RUN when left out'),
  examples: ['berth run artifacts my-run', 'berth run artifacts my-run -o results/today'],
  async run(context, options, name) {
    const client = await context.client();
    const run = await client.call('run.get', { params: { run: name } });
    if (jobsWithArtifacts(run).length === 0) {
      throw new BerthError('not-found', `${run.name} has no artifacts that could be fetched`, {
        hint:
          run.finished_at === null
            ? `they are collected when it ends: \`berth attach ${run.name}\``
            : 'name the paths that are to be brought back under `artifacts` in its configuration',
      });
    }
    const path =
      options.output === undefined
        ? await defaultArtifactsPath(context.cwd, run.name)
        : resolve(context.cwd, options.output);
    for (const { entry, why } of await fetchArtifacts(client, run, path)) {
      say(`${styledError('yellow', 'warning:')} ${entry} was left out: ${why}\n`);
    }
    print(`${relative(context.cwd, path) || path}\n`);
  },
});
