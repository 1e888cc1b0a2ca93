import { defineCommand } from '../../command.ts';
import { print } from '../../output/write.ts';
import { usageError } from '../../usage-error.ts';

export default defineCommand<{ readonly keepNewline?: true }, [name: string, value: string | undefined]>({
  define: (parser) =>
    parser
      .argument('<name>')
      .argument('[value]', 'better left out: other users of this machine can see the words of a command')
      .option('--keep-newline', 'do not cut the last line break of standard input'),
  examples: ['berth secret set HF_TOKEN', 'berth secret set SSH_KEY --keep-newline < id_ed25519'],
  async run(context, options, name, given) {
    const value = given ?? (process.stdin.isTTY ? await typed(name) : await piped(options.keepNewline === true));
    if (value === '') throw usageError('the secret would be empty', '`berth secret delete` deletes one');
    const client = await context.client();
    await client.call('secret.put', { params: { secret: name }, body: { value } });
    print(`${name}: set\n`);
  },
});

async function typed(name: string): Promise<string> {
  const { ask } = await import('../../output/confirm.ts');
  return ask(`Value of ${name} (not shown): `, { hidden: true });
}

async function piped(keepNewline: boolean): Promise<string> {
  const { text } = await import('node:stream/consumers');
  const value = await text(process.stdin);
  return keepNewline ? value : value.replace(/\r?\n$/, '');
}
