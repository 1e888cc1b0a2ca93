import { VERSION } from '@berth/core/version';
import { defineCommand, withJson } from '../../command.ts';
import { readConfig } from '../../connection/config-file.ts';
import { probe } from '../../embedded/probe.ts';
import { readServerFile } from '../../embedded/server-file.ts';
import { isServerProcess } from '../../embedded/server-process.ts';
import { logPath } from '../../embedded/spawn-server.ts';
import { formatFacts } from '../../output/facts.ts';
import { duration } from '../../output/format.ts';
import { printJson } from '../../output/json.ts';
import { styled } from '../../output/style.ts';
import { print } from '../../output/write.ts';

/** Exit code 0: it answers; 1: it does not. */
export default defineCommand<{ readonly json?: true }>({
  usesProject: false,
  define: withJson,
  async run(context, options) {
    const remote = context.env.BERTH_SERVER_URL;
    const file = remote ? null : readServerFile(context.home);
    const url = remote || file?.url || (await configuredUrl(context.home.config));
    const info = url === null ? null : await probe(url);
    if (options.json === true) {
      printJson({ url, running: info !== null, ...info });
      return info === null ? 1 : 0;
    }
    if (info === null) {
      const hangs = file !== null && isServerProcess(file);
      const hint = hangs
        ? `its process ${file.pid} lives: see ${logPath(context.home)}, or \`berth server stop --kill\``
        : 'the next command that needs one starts it';
      print(url === null ? `No server runs on this machine; ${hint}.\n` : `${url} does not answer; ${hint}.\n`);
      return 1;
    }
    const other = info.version === VERSION ? '' : ` (this command is ${VERSION})`;
    const facts = formatFacts([
      ['Server', styled('bold', url ?? '')],
      ['Status', styled('green', 'running')],
      ['Version', `${info.version}${other}`],
      ['Process', String(info.pid)],
      ['Up for', duration(Date.now() - info.started_at)],
      ['Data', remote ? null : context.home.root],
    ]);
    print(`${facts}\n`);
    return 0;
  },
});

/** Where the default project is, when no server was ever started here. */
async function configuredUrl(path: string): Promise<string | null> {
  const entries = await readConfig(path);
  return (entries.find((entry) => entry.isDefault) ?? entries[0])?.url ?? null;
}
