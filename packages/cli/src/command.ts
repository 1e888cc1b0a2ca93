import { Command as Parser } from 'commander';
import type { Context } from './context.ts';

/** What a command's file exports. `Args` are its positional arguments, `Options` its flags by name. */
export interface Command {
  /** Adds arguments and options to the parser. */
  readonly define: (parser: Parser) => Parser;
  /** Returns the exit code; nothing means 0. */
  readonly run: (context: Context, options: unknown, args: readonly unknown[]) => Promise<number | undefined>;
  /** False: the command talks to no server, so `--project` means nothing to it. */
  readonly usesProject: boolean;
  /** Shown below the options in `--help`. */
  readonly examples: readonly string[];
}

export interface CommandParts<Options, Args extends readonly unknown[]> {
  readonly define?: (parser: Parser) => Parser;
  readonly run: (context: Context, options: Options, ...args: Args) => Promise<number | undefined>;
  readonly usesProject?: boolean;
  readonly examples?: readonly string[];
}

/**
 * The types of options and arguments are what `define` makes of them; the parser cannot tell, so this
 * is the one place where they are taken on trust.
 */
export function defineCommand<Options = object, Args extends readonly unknown[] = []>(
  parts: CommandParts<Options, Args>,
): Command {
  return {
    define: parts.define ?? ((parser) => parser),
    run: async (context, options, args) => parts.run(context, options as Options, ...(args as unknown as Args)),
    usesProject: parts.usesProject ?? true,
    examples: parts.examples ?? [],
  };
}

/** The option that every reading command has. */
export function withJson(parser: Parser): Parser {
  return parser.option('--json', 'print what the server says, as JSON');
}

/** A parser for one command, which throws instead of ending the process. */
export function parserOf(name: string, summary: string, command: Command): Parser {
  const parser = new Parser(`berth ${name}`)
    .description(summary)
    .exitOverride()
    .configureOutput({ writeErr: () => {}, writeOut: (text) => process.stdout.write(text) })
    .helpOption('-h, --help', 'show this')
    .allowExcessArguments(false);
  if (command.usesProject) parser.option('--project <name>', 'project to use instead of the default one');
  command.define(parser);
  if (command.examples.length > 0)
    parser.addHelpText('after', `\nExamples:\n${command.examples.map((e) => `  ${e}`).join('\n')}`);
  return parser;
}
