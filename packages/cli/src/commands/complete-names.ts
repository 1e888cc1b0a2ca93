import { Argument } from 'commander';
import { defineCommand } from '../command.ts';
import { KINDS, type Kind, namesOf } from '../completion/names.ts';

/** What completion scripts call. One name a line; nothing at all when they cannot be had at once. */
export default defineCommand<object, [kind: Kind]>({
  define: (parser) => parser.addArgument(new Argument('<kind>').choices(KINDS)),
  async run(context, _options, kind) {
    const names = await namesOf(kind, context.env, context.home, context.project);
    process.stdout.write(names.map((name) => `${name}\n`).join(''));
  },
});
