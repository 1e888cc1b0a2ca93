import { Argument } from 'commander';
import { defineCommand } from '../command.ts';
import { completionScript, SHELLS, type Shell } from '../completion/script.ts';

export default defineCommand<object, [shell: Shell]>({
  usesProject: false,
  define: (parser) => parser.addArgument(new Argument('<shell>').choices(SHELLS)),
  examples: [
    'source <(berth completion bash)                      # in ~/.bashrc',
    'source <(berth completion zsh)                       # in ~/.zshrc',
    'berth completion fish > ~/.config/fish/completions/berth.fish',
  ],
  async run(_context, _options, shell) {
    process.stdout.write(await completionScript(shell));
  },
});
