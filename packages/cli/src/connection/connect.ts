import { type Client, createClient } from '@berth/client/client';
import { nodeHttpTransport } from '@berth/client/node-http-transport';
import { BerthError } from '@berth/core/errors';
import { VERSION } from '@berth/core/version';
import { isEmbeddedAt } from '../embedded/address.ts';
import { readServerFile } from '../embedded/server-file.ts';
import type { Home } from '../home.ts';
import { say } from '../output/write.ts';
import { revivingTransport } from './reviving-transport.ts';
import { FIRST_PROJECT, findTarget, type Target } from './target.ts';

export interface Connection {
  readonly client: Client;
  readonly target: Target;
}

/** The client for what environment, `config.yml` and `--project` name, or for the embedded server. */
export async function connect(env: NodeJS.ProcessEnv, home: Home, project: string | null): Promise<Connection> {
  let target = await findTarget(env, home, project);
  if (target === null) {
    const { ensureEmbeddedServer } = await import('../embedded/ensure-server.ts');
    const server = await ensureEmbeddedServer(home);
    target = await findTarget(env, home, project);
    if (target === null) {
      throw new BerthError('unauthenticated', `the server at ${server.url} runs, but ${home.config} does not name it`, {
        hint:
          `its token was in that file: put the file back, or name the server with \`berth project add --name ${FIRST_PROJECT} --url ${server.url}\` ` +
          'and a token of one of its users',
      });
    }
  }
  const { url, token } = target;
  let transport = nodeHttpTransport();
  /** Where the server is now: an embedded one may come back at another port. */
  let current = () => url;
  if (target.source === 'config' && isEmbeddedAt(home, url)) {
    warnOfOtherVersion(home);
    current = () => readServerFile(home)?.url ?? url;
    transport = revivingTransport(transport, {
      // A server that ends in order takes its file away; one that was killed or crashed leaves it.
      wasStopped: () => readServerFile(home) === null,
      revive: async () => {
        const { ensureEmbeddedServer } = await import('../embedded/ensure-server.ts');
        return (await ensureEmbeddedServer(home)).url;
      },
    });
  }
  return { target, client: createClient({ url: current, token, project: target.project, transport }) };
}

/** After an upgrade the old server goes on until somebody ends it. */
function warnOfOtherVersion(home: Home): void {
  const version = readServerFile(home)?.version;
  if (version === undefined || version === VERSION) return;
  say(
    `warning: the server of this machine is Berth ${version}, this is ${VERSION}; ` +
      '`berth server stop` ends the old one (jobs go on), the next command starts the new one\n',
  );
}
