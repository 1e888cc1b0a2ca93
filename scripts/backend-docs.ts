/** Writes docs/backends.md: what there is to fill in for every cloud, from the clouds' own definitions. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BackendForm, discoverBackends, formOf, loadBackends } from '@berth/backend';

type Schema = Readonly<Record<string, unknown>>;

export const PATH = 'docs/backends.md';
/** The line that a section begins with; its type is in brackets. */
export const SECTION = /^## .*\(`([a-z0-9-]+)`\)$/m;

const HEAD = `# Clouds

Every cloud that Berth can use is a *backend*: a folder in \`backends/\`, or an npm package whose name begins with
\`berth-backend-\`. This page is made from their definitions by \`node scripts/run.mjs scripts/backend-docs.ts\`; a test
says when it is out of date.

\`\`\`sh
berth backend types                                           # what is installed, and why something cannot be used
berth backend add fluffycloud                                 # asks for what is needed, checks it with the cloud, then stores it sealed
berth backend add fluffycloud --credentials-file - < key.txt  # the same in a script
berth backend add fluffycloud --replace                       # other credentials; the old ones stay until these work
berth backend list                                            # what the project has, and how many machines each one holds
berth backend get fluffycloud                                 # one of them; no secret is ever shown
berth backend delete fluffycloud                              # refused while it holds machines, unless it may wait for them: --when-empty
\`\`\`

The server's \`config.yml\` may name them too, and wins over a backend of the same name that a command has made. The
server reads it again when it changes:

\`\`\`yaml
projects:
  - name: main
    backends:
      - type: fluffycloud
        creds: { type: api_key, api_key: "\${env:FLUFFY_API_KEY}" }   # or "\${file:secrets/fluffy}"; or the key itself
\`\`\`

Credentials, and only they, may be read from a variable of the server's environment or from a file, whose path is
relative to the folder of \`config.yml\`. What is taken out of the file while it holds machines takes no new work and
stays listed, with the number of its machines, until they are gone.
`;

/** Sections by type, in order. */
export async function sections(root: string): Promise<ReadonlyMap<string, string>> {
  const { available } = await loadBackends(await discoverBackends({ roots: [join(root, 'backends')] }));
  const forms = available.map(({ definition }) => formOf(definition)).sort((a, b) => (a.title < b.title ? -1 : 1));
  return new Map(forms.map((form) => [form.type, section(form)]));
}

export function page(all: ReadonlyMap<string, string>): string {
  return `${[HEAD, ...all.values()].join('\n')}`;
}

function section({ type, title, kind, createsMachines, config, credentials }: BackendForm): string {
  const what = kind === 'vm' ? 'machines' : 'containers';
  const gives = createsMachines
    ? `Berth makes ${what} there.`
    : `Its prices only, so far: offers are shown, and no ${what} are made. It cannot be added to a project.`;
  const kinds = Object.entries(credentials).map(([name, schema]) => {
    const rows = rowsOf(schema);
    if (rows.length === 0) return `Credentials of kind \`${name}\`: ${ambient(name)}.\n`;
    return `Credentials of kind \`${name}\`:\n\n${table(rows)}`;
  });
  const fields = rowsOf(config);
  const configured = fields.length === 0 ? 'It has no settings.\n' : `Settings:\n\n${table(fields)}`;
  return `## ${title} (\`${type}\`)\n\n${gives}\n\n${[...kinds, configured].join('\n')}`;
}

const ambient = (kind: string): string =>
  kind === 'default' ? 'what the server finds by itself; nothing to write' : 'nothing to write';

interface Row {
  readonly field: string;
  readonly value: string;
  readonly otherwise: string;
  readonly about: string;
}

function rowsOf(schema: Schema): readonly Row[] {
  const required = Array.isArray(schema.required) ? schema.required : [];
  return Object.entries(isMap(schema.properties) ? schema.properties : {}).map(([field, written]) => {
    const form = isMap(written) ? written : {};
    const otherwise =
      form.default !== undefined
        ? `\`${JSON.stringify(form.default)}\``
        : required.includes(field)
          ? 'required'
          : 'left out';
    const about = typeof form.description === 'string' ? form.description : '';
    return { field, value: `${valueWords(form)}${form.writeOnly === true ? ', secret' : ''}`, otherwise, about };
  });
}

function valueWords(schema: Schema): string {
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => `\`${value}\``).join(', ');
  if (schema.type === 'array') return `list of ${isMap(schema.items) ? valueWords(schema.items) : 'values'}`;
  const forms = Array.isArray(schema.anyOf) ? schema.anyOf.filter(isMap) : [];
  if (forms.length > 0) return [...new Set(forms.map(valueWords))].join(' or ');
  const words: Readonly<Record<string, string>> = { string: 'text', object: 'map', integer: 'whole number' };
  return typeof schema.type === 'string' ? (words[schema.type] ?? schema.type) : 'anything';
}

function table(rows: readonly Row[]): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|').replace(/\s+/g, ' ');
  const lines = rows.map(
    ({ field, value, otherwise, about }) => `| \`${field}\` | ${cell(value)} | ${cell(otherwise)} | ${cell(about)} |`,
  );
  return `| field | value | otherwise | about |\n|---|---|---|---|\n${lines.join('\n')}\n`;
}

function isMap(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '..');
  writeFileSync(join(root, PATH), page(await sections(root)));
}
