import { Option } from 'commander';
import { defineCommand } from '../command.ts';
import { collect, parseCount } from '../output/parse-option.ts';
import { type PlacementOptions, withPlacement, withResources } from '../placement-options.ts';

export interface ApplyOptions extends PlacementOptions {
  readonly file?: string;
  readonly yes?: true;
  readonly detach?: true;
  readonly dryRun?: true;
  readonly json?: true;
  readonly force?: true;
  readonly name?: string;
  readonly env?: readonly string[];
  readonly maxDuration?: string;
  readonly idleDuration?: string;
  readonly reuse?: true;
  readonly retry?: boolean;
  /** False: `--no-profile`. */
  readonly profile?: string | false;
  /** False: `--no-repo`. */
  readonly repo?: string | false;
  readonly maxOffers?: number;
}

export default defineCommand<ApplyOptions, [args: string[]]>({
  define: (parser) =>
    withPlacement(
      withResources(
        parser
          .argument('[args...]', 'after `--`: the words of run.args')
          .option(
            '-f, --file <path>',
            'the configuration; `-` is standard input; .berth.yml or .dstack.yml when left out',
          )
          .option('-y, --yes', 'do not ask')
          .option('-d, --detach', 'do not wait for its end')
          .option('--dry-run', 'show the plan and change nothing')
          .option('--json', 'with --dry-run: the plan as JSON')
          .option('--force', 'stop the live run of that name and replace it')
          .option('-n, --name <name>', 'name of the run or fleet')
          .option('-e, --env <NAME[=VALUE]>', 'a variable of the job; may be repeated', collect),
      ),
    )
      .option('--max-duration <duration>', 'for example 2h; `off` for none')
      .option('--reuse', 'only use instances that there are')
      .option('--idle-duration <duration>', 'how long an instance of its own is kept afterwards')
      .addOption(new Option('--retry', 'try again when there is no capacity, or it fails'))
      .addOption(new Option('--no-retry', 'do not try again'))
      .option('--profile <name>', 'parameters from profiles.yml')
      .option('--no-profile', 'not even the default profile')
      .option('-P, --repo <path or URL>', 'code to send; the current directory when left out')
      .option('--no-repo', 'send no code')
      .option('--max-offers <number>', 'how many offers the plan shows', parseCount),
  examples: [
    'berth apply',
    'berth apply --dry-run --gpu A100',
    'berth apply -y -f train.berth.yml -n sweep-3 --gpu A100 -- --epochs 5',
    'cat task.yml | berth apply -y -d -f -',
  ],
  async run(context, options, args) {
    const { apply } = await import('../apply/apply.ts');
    return apply(context, options, args);
  },
});
