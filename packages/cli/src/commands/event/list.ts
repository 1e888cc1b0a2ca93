import { events } from '@berth/client/follow';
import type { EventView } from '@berth/core/api-schemas';
import { defineCommand, withJson } from '../../command.ts';
import { timestamp } from '../../output/format.ts';
import { printJson } from '../../output/json.ts';
import { parseCount } from '../../output/parse-option.ts';
import { printableLine } from '../../output/printable.ts';
import { reconnectNotice } from '../../output/reconnect-notice.ts';
import { styled } from '../../output/style.ts';
import { type Column, formatTable, terminalWidth } from '../../output/table.ts';
import { print } from '../../output/write.ts';

interface Options {
  readonly run?: string;
  readonly last?: number;
  readonly watch?: true;
  readonly json?: true;
}

const SHOWN = 50;

export default defineCommand<Options>({
  define: (parser) =>
    withJson(
      parser
        .option('--run <name>', 'only what concerns this run')
        .option('-n, --last <number>', `how many, ${SHOWN} when left out`, parseCount)
        .option('-w, --watch', 'go on and show what happens; with --json one object a line'),
    ),
  examples: ['berth event list --run my-run', 'berth event list --watch --json'],
  async run(context, options) {
    const client = await context.client();
    const filter = options.run === undefined ? {} : { run: options.run };
    const answer = await client.call('event.list', { query: { ...filter, limit: options.last ?? SHOWN } });
    // The server begins with the newest; on a screen the newest belongs next to the prompt.
    const past = answer.events.toReversed();
    if (options.watch !== true) {
      if (options.json === true) printJson(answer);
      else print(past.length === 0 ? 'Nothing has happened yet.\n' : `${formatEvents(past)}\n`);
      return;
    }
    const show = (event: EventView) => {
      if (options.json === true) process.stdout.write(`${JSON.stringify(event)}\n`);
      else print(`${formatLine(event)}\n`);
    };
    for (const event of past) show(event);
    const from = past.at(-1)?.id;
    const watching = events(
      client,
      { ...filter, ...(from === undefined ? {} : { after: from }) },
      { onReconnect: reconnectNotice() },
    );
    const known = new Set(past.map(({ id }) => id));
    for await (const event of watching) if (!known.has(event.id)) show(event);
  },
});

function formatEvents(events: readonly EventView[]): string {
  const columns: readonly Column<EventView>[] = [
    { title: 'TIME', value: (event) => timestamp(event.at), style: (text) => styled('gray', text) },
    { title: 'ABOUT', value: aboutOf, min: 10 },
    { title: 'WHAT', value: (event) => event.kind, min: 8, dispensable: 1 },
    { title: 'BY', value: (event) => event.actor ?? '', min: 6, dispensable: 2 },
    { title: 'MESSAGE', value: (event) => event.message, min: 20 },
  ];
  return formatTable(columns, events, terminalWidth());
}

function formatLine(event: EventView): string {
  return `${styled('gray', timestamp(event.at))}  ${printableLine(aboutOf(event))}  ${printableLine(event.message)}`;
}

/** A job is called `node 0` in every run: only with its run's name does it say which one. */
function aboutOf(event: EventView): string {
  if (event.target.kind === 'job' && event.run !== null) return `${event.run} ${event.target.name}`;
  return `${event.target.kind} ${event.target.name}`;
}
