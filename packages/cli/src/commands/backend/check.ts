import { withBackendTool } from '../../backend-tool.ts';
import { defineCommand } from '../../command.ts';
import { formatReport, formatResult, formatRules } from '../../output/conformance.ts';
import { EXIT_FAILURE, EXIT_INTERRUPTED } from '../../output/error.ts';
import { printJson } from '../../output/json.ts';
import { parseDollars, parseTimeLimit } from '../../output/parse-limit.ts';
import { print, say } from '../../output/write.ts';
import { usageError } from '../../usage-error.ts';

interface Options {
  readonly live?: true;
  readonly clean?: true;
  readonly config?: string;
  readonly maxSpend: number;
  readonly maxTime: number;
  readonly rule: readonly string[];
  readonly list?: true;
  readonly json?: true;
}

/** Exit code 1 when a rule is broken. */
export default defineCommand<Options, [name: string | undefined]>({
  define: (parser) =>
    parser
      .argument('[name]', 'type of an installed backend, or the path of its folder')
      .option(
        '--live',
        'on a real account, which costs money: that of the server’s config.yml, or of BERTH_CHECK_<TYPE>_<FIELD>',
      )
      .option('--config <file>', 'with --live: take the account from this file, of the form of config.yml')
      .option(
        '--max-spend <dollars>',
        'with --live: make no machine that could take the whole above it',
        parseDollars,
        1,
      )
      .option('--max-time <duration>', 'with --live: end after this time', parseTimeLimit, 30 * 60_000)
      .option('--clean', 'with --live: only remove what earlier checks left')
      .option('--rule <rule>', 'only this rule (C2) or check (C2.3); may be repeated', collected, [])
      .option('--list', 'show the rules, and check nothing')
      .option('--json', 'print the report as JSON'),
  usesProject: false,
  examples: [
    'berth backend check fluffycloud',
    'berth backend check ./my-cloud --rule C2 --rule C3.4',
    'berth backend check fluffycloud --live --max-spend 0.50',
  ],
  async run(context, options, name) {
    const json = options.json === true;
    if (options.list === true) {
      const rules = await withBackendTool(context, (tool) => tool.rules());
      if (json) printJson(rules);
      else print(`${formatRules(rules)}\n`);
      return 0;
    }
    if (name === undefined) throw usageError('no backend was named', 'name its type, or the path of its folder');
    const { live, clean, config = null, maxSpend, maxTime: maxTimeMs, rule: rules } = options;
    if (live !== true && (clean === true || config !== null)) throw usageError('--clean and --config belong to --live');
    const account = live === true ? { maxSpend, maxTimeMs, entryFile: config } : null;
    if (account !== null && clean === true) {
      const removed = await withBackendTool(context, (tool) => tool.clean(name, account));
      if (json) printJson({ removed });
      else print(removed.length === 0 ? 'Nothing was left.\n' : `Removed ${removed.join(', ')}.\n`);
      return 0;
    }
    // What was made is removed whatever happens; a second Ctrl-C does not change that.
    const again = (): void =>
      say(
        'Removing what was made; until that is done, only `kill -9` ends this, and `--live --clean` does the rest.\n',
      );
    const report = await withBackendTool(
      context,
      (tool) =>
        tool.check(name, { rules, live: account }, (result) => {
          const line = json ? null : formatResult(result);
          if (line !== null) print(`${line}\n`);
        }),
      account === null ? {} : { again },
    );
    if (json) printJson(report);
    else print(`${formatReport(report)}\n`);
    if (report.interrupted) return EXIT_INTERRUPTED;
    return report.ok ? 0 : EXIT_FAILURE;
  },
});

function collected(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}
