import type { Command } from './command.ts';

/** A command is a file; this table is all that is loaded of it until it is called. */
export interface CommandEntry {
  /** `ps`, `run get`. */
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<{ readonly default: Command }>;
}

export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'apply',
    summary: 'Run a task, or make a fleet, from a configuration file',
    load: () => import('./commands/apply.ts'),
  },
  { name: 'delete', summary: 'Delete what a configuration file names', load: () => import('./commands/delete.ts') },
  { name: 'offer', summary: 'List what clouds and machines offer', load: () => import('./commands/offer.ts') },
  {
    name: 'gpus',
    summary: 'List accelerators: where they are sold and from what price',
    load: () => import('./commands/gpus.ts'),
  },
  { name: 'ps', summary: 'List runs', load: () => import('./commands/ps.ts') },
  { name: 'logs', summary: 'Print the log of a run', load: () => import('./commands/logs.ts') },
  { name: 'attach', summary: 'Follow a run to its end', load: () => import('./commands/attach.ts') },
  { name: 'stop', summary: 'Stop runs', load: () => import('./commands/stop.ts') },
  { name: 'run get', summary: 'Show one run', load: () => import('./commands/run/get.ts') },
  {
    name: 'run delete',
    summary: 'Delete finished runs with their logs',
    load: () => import('./commands/run/delete.ts'),
  },
  { name: 'run artifacts', summary: 'Fetch what a run left', load: () => import('./commands/run/artifacts.ts') },
  { name: 'fleet list', summary: 'List fleets', load: () => import('./commands/fleet/list.ts') },
  { name: 'fleet get', summary: 'Show one fleet', load: () => import('./commands/fleet/get.ts') },
  {
    name: 'fleet delete',
    summary: 'Delete fleets and give their machines back',
    load: () => import('./commands/fleet/delete.ts'),
  },
  { name: 'instance list', summary: 'List machines', load: () => import('./commands/instance/list.ts') },
  { name: 'instance get', summary: 'Show one machine', load: () => import('./commands/instance/get.ts') },
  { name: 'instance delete', summary: 'Give machines back', load: () => import('./commands/instance/delete.ts') },
  {
    name: 'sweep',
    summary: 'Compare what the clouds have with the books, and end what is on none',
    load: () => import('./commands/sweep.ts'),
  },
  { name: 'cost', summary: 'Show what machines have cost', load: () => import('./commands/cost.ts') },
  { name: 'event list', summary: 'List what happened', load: () => import('./commands/event/list.ts') },
  {
    name: 'backend new',
    summary: 'Write the folder of a new cloud',
    load: () => import('./commands/backend/new.ts'),
  },
  { name: 'backend list', summary: 'List the clouds of the project', load: () => import('./commands/backend/list.ts') },
  { name: 'backend get', summary: 'Show one cloud of the project', load: () => import('./commands/backend/get.ts') },
  { name: 'backend add', summary: 'Let the project use a cloud', load: () => import('./commands/backend/add.ts') },
  {
    name: 'backend delete',
    summary: 'Take clouds away from the project',
    load: () => import('./commands/backend/delete.ts'),
  },
  {
    name: 'backend types',
    summary: 'List clouds that there can be',
    load: () => import('./commands/backend/types.ts'),
  },
  {
    name: 'backend check',
    summary: 'Hold a cloud’s backend against the rules of the contract',
    load: () => import('./commands/backend/check.ts'),
  },
  {
    name: 'catalog status',
    summary: 'Show the sources of prices, and how old they are',
    load: () => import('./commands/catalog/status.ts'),
  },
  {
    name: 'catalog query',
    summary: 'Look for offers in the catalog of this machine, without a server',
    load: () => import('./commands/catalog/query.ts'),
  },
  {
    name: 'catalog history',
    summary: 'Show the cheapest price of an accelerator over time',
    load: () => import('./commands/catalog/history.ts'),
  },
  {
    name: 'catalog pull',
    summary: 'Fetch a published catalog',
    load: () => import('./commands/catalog/pull.ts'),
  },
  {
    name: 'catalog collect',
    summary: 'Ask clouds for their price lists',
    load: () => import('./commands/catalog/collect.ts'),
  },
  {
    name: 'catalog check',
    summary: 'Hold collected prices against the rules of integrity',
    load: () => import('./commands/catalog/check.ts'),
  },
  {
    name: 'catalog diff',
    summary: 'Compare two catalogs',
    load: () => import('./commands/catalog/diff.ts'),
  },
  {
    name: 'catalog publish',
    summary: 'Publish what was collected, in a folder or on a web server',
    load: () => import('./commands/catalog/publish.ts'),
  },
  {
    name: 'catalog import',
    summary: 'Take offers from a CSV file',
    load: () => import('./commands/catalog/import.ts'),
  },
  {
    name: 'catalog remove',
    summary: 'Take out what was collected or imported',
    load: () => import('./commands/catalog/remove.ts'),
  },
  {
    name: 'catalog export',
    summary: 'Write offers into a CSV file',
    load: () => import('./commands/catalog/export.ts'),
  },
  {
    name: 'catalog keygen',
    summary: 'Make the key that a catalog is signed with',
    load: () => import('./commands/catalog/keygen.ts'),
  },
  { name: 'secret list', summary: 'List the names of secrets', load: () => import('./commands/secret/list.ts') },
  { name: 'secret get', summary: 'Print the value of a secret', load: () => import('./commands/secret/get.ts') },
  { name: 'secret set', summary: 'Make or replace a secret', load: () => import('./commands/secret/set.ts') },
  { name: 'secret delete', summary: 'Delete secrets', load: () => import('./commands/secret/delete.ts') },
  { name: 'project list', summary: 'List projects', load: () => import('./commands/project/list.ts') },
  { name: 'project add', summary: 'Remember a project of a server', load: () => import('./commands/project/add.ts') },
  {
    name: 'project set-default',
    summary: 'Choose the project that commands use',
    load: () => import('./commands/project/set-default.ts'),
  },
  {
    name: 'project create',
    summary: 'Make a project on the server',
    load: () => import('./commands/project/create.ts'),
  },
  {
    name: 'project delete',
    summary: 'Delete a project that holds nothing',
    load: () => import('./commands/project/delete.ts'),
  },
  {
    name: 'project member list',
    summary: 'List who is in the project',
    load: () => import('./commands/project/member/list.ts'),
  },
  {
    name: 'project member add',
    summary: 'Let a user into the project, or change the role',
    load: () => import('./commands/project/member/add.ts'),
  },
  {
    name: 'project member remove',
    summary: 'Take a user out of the project',
    load: () => import('./commands/project/member/remove.ts'),
  },
  { name: 'user list', summary: 'List users', load: () => import('./commands/user/list.ts') },
  { name: 'user create', summary: 'Make a user and a first token', load: () => import('./commands/user/create.ts') },
  { name: 'user update', summary: 'Change a user', load: () => import('./commands/user/update.ts') },
  { name: 'user token list', summary: 'List tokens', load: () => import('./commands/user/token/list.ts') },
  { name: 'user token create', summary: 'Make a token', load: () => import('./commands/user/token/create.ts') },
  {
    name: 'user token revoke',
    summary: 'Make tokens worthless',
    load: () => import('./commands/user/token/revoke.ts'),
  },
  {
    name: 'server start',
    summary: 'Start the server of this machine',
    load: () => import('./commands/server/start.ts'),
  },
  { name: 'server stop', summary: 'Stop the server of this machine', load: () => import('./commands/server/stop.ts') },
  {
    name: 'server status',
    summary: 'Tell whether the server is well',
    load: () => import('./commands/server/status.ts'),
  },
  {
    name: 'schema',
    summary: 'Print the JSON Schema of configuration files',
    load: () => import('./commands/schema.ts'),
  },
  {
    name: 'completion',
    summary: 'Print a completion script for a shell',
    load: () => import('./commands/completion.ts'),
  },
];

/** Called by programs and shown to nobody. */
export const HIDDEN_COMMANDS: readonly CommandEntry[] = [
  {
    name: 'complete-names',
    summary: 'Print names for a completion script',
    load: () => import('./commands/complete-names.ts'),
  },
];

/** What the first words of commands with two or more words are about. */
export const NOUNS: Readonly<Record<string, string>> = {
  run: 'Runs',
  fleet: 'Fleets',
  instance: 'Machines that we hold',
  event: 'What happened',
  backend: 'Clouds',
  catalog: 'What clouds sell',
  secret: 'Secrets of the project',
  project: 'Projects',
  'project member': 'Who is in the project',
  user: 'Users',
  'user token': "Users' tokens",
  server: 'The server of this machine',
};
