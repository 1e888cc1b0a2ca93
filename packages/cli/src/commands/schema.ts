import { defineCommand } from '../command.ts';

export default defineCommand<{ readonly profiles?: true }>({
  usesProject: false,
  define: (parser) => parser.option('--profiles', 'the schema of profiles.yml instead'),
  examples: [
    'berth schema > .berth.schema.json   # then, in the file: # yaml-language-server: $schema=.berth.schema.json',
  ],
  async run(_context, options) {
    const { configurationJsonSchema, profilesJsonSchema } = await import('@berth/core/json-schema');
    const schema = options.profiles === true ? profilesJsonSchema() : configurationJsonSchema();
    process.stdout.write(`${JSON.stringify(schema, null, 2)}\n`);
  },
});
