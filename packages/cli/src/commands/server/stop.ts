import { BerthError } from '@berth/core/errors';
import { defineCommand } from '../../command.ts';
import { runningServer } from '../../embedded/ensure-server.ts';
import { readServerFile } from '../../embedded/server-file.ts';
import { isAlive, isServerProcess } from '../../embedded/server-process.ts';
import { statusLine } from '../../output/status-line.ts';
import { print } from '../../output/write.ts';

/** It finishes what it is writing; what it waits for it takes up again after the next start. */
const GRACE_MS = 20_000;
const POLL_MS = 20;

export default defineCommand<{ readonly kill?: true }>({
  usesProject: false,
  define: (parser) => parser.option('--kill', 'do not let it finish; nothing is lost, but its next start takes longer'),
  async run(context, options) {
    const file = readServerFile(context.home);
    const answers = await runningServer(context.home);
    // That it answers under this number proves who it is; otherwise the time of its start has to.
    if (file === null || (answers === null && !isServerProcess(file))) {
      print('No server runs on this machine.\n');
      return;
    }
    signal(file.pid, options.kill === true ? 'SIGKILL' : 'SIGTERM');
    const progress = statusLine(process.stderr);
    progress.show('waiting for the server to end');
    const deadline = Date.now() + GRACE_MS;
    while (isAlive(file.pid) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    progress.clear();
    if (isAlive(file.pid)) {
      throw new BerthError('unavailable', `the server (process ${file.pid}) did not end within ${GRACE_MS / 1000} s`, {
        hint: '`berth server stop --kill` does not wait',
      });
    }
    print('Stopped. Jobs go on; the next command that needs the server starts it again.\n');
  },
});

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ESRCH') return;
    throw new BerthError('forbidden', `the server (process ${pid}) is not yours to stop`, { cause });
  }
}
