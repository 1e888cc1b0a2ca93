import type { BackendTypeView } from '@berth/core/api-schemas';
import { defineCommand, withJson } from '../../command.ts';
import { printJson } from '../../output/json.ts';
import { styled } from '../../output/style.ts';
import { type Column, formatTable, terminalWidth } from '../../output/table.ts';
import { print } from '../../output/write.ts';

export default defineCommand<{ readonly json?: true }>({
  define: withJson,
  async run(context, options) {
    const client = await context.client();
    const types = await client.call('backend.types');
    if (options.json === true) printJson(types);
    else print(`${formatTypes(types)}\n`);
  },
});

function formatTypes(types: readonly BackendTypeView[]): string {
  const columns: readonly Column<BackendTypeView>[] = [
    { title: 'TYPE', value: (one) => one.type, style: (text) => styled('bold', text) },
    { title: 'TITLE', value: (one) => one.title, min: 8, dispensable: 2 },
    { title: 'KIND', value: (one) => one.kind ?? '', dispensable: 1 },
    {
      title: 'GIVES',
      value: (one) => (one.status === 'unavailable' ? 'nothing' : one.creates_machines ? 'machines' : 'prices only'),
    },
    {
      title: 'CREDENTIALS',
      value: (one) => one.credentials.map(({ kind }) => kind).join(', '),
      min: 8,
      dispensable: 3,
    },
    { title: 'REASON', value: (one) => one.reason ?? '', min: 16 },
  ];
  return formatTable(columns, types, terminalWidth());
}
