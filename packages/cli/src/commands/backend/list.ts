import type { BackendView } from '@berth/core/api-schemas';
import { defineCommand, withJson } from '../../command.ts';
import { statusColour } from '../../output/describe.ts';
import { printJson } from '../../output/json.ts';
import { styled } from '../../output/style.ts';
import { type Column, formatTable, terminalWidth } from '../../output/table.ts';
import { print } from '../../output/write.ts';

export default defineCommand<{ readonly json?: true }>({
  define: withJson,
  async run(context, options) {
    const client = await context.client();
    const backends = await client.call('backend.list');
    if (options.json === true) printJson(backends);
    else print(backends.length === 0 ? 'The project has no backends.\n' : `${formatBackends(backends)}\n`);
  },
});

function formatBackends(backends: readonly BackendView[]): string {
  const columns: readonly Column<BackendView>[] = [
    { title: 'NAME', value: (backend) => backend.name, style: (text) => styled('bold', text) },
    { title: 'TYPE', value: (backend) => (backend.type === backend.name ? '' : backend.type), dispensable: 1 },
    { title: 'TITLE', value: (backend) => backend.title, min: 8, dispensable: 2 },
    {
      title: 'STATUS',
      value: statusOf,
      style: (text, backend) => styled(statusColour(backend.status), text),
    },
    { title: 'HOLDS', value: ({ holds }) => (holds === 0 ? '' : String(holds)), align: 'right' },
    { title: 'ACCOUNT', value: (backend) => backend.account ?? '', min: 8, dispensable: 3 },
    { title: 'CAN', value: (backend) => backend.facets.join(', '), min: 8, dispensable: 4 },
    { title: 'REASON', value: (backend) => backend.reason ?? '', min: 16 },
  ];
  return formatTable(columns, backends, terminalWidth());
}

/** `removed, holds 2 machines`: what goes on costing is said where one looks first. */
function statusOf({ status, holds }: BackendView): string {
  return status === 'ready' || holds === 0
    ? status
    : `${status}, holds ${holds} ${holds === 1 ? 'machine' : 'machines'}`;
}
