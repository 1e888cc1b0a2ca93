/** How long a person waits for a command, as a multiple of the time that Node itself takes to start. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildAll } from '../scripts/build.ts';
import { BerthHome, LAUNCHER, ROOT } from './berth-home.ts';
import { type Bench, inTurn, ratio } from './harness.ts';

const BASELINE = 'node -e 0';
/** The first of them fill the compile cache and the page cache, which a person's machine has filled too. */
const WARM_UP = 3;

export const bench: Bench = async ({ runs, progress }) => {
  // Outside the repository, as an installed package is: there is no `node_modules` above to help it out.
  const built = mkdtempSync(join(tmpdir(), 'berth-built-'));
  const home = new BerthHome();
  try {
    progress('building what a package would hold');
    const dist = join(built, 'dist');
    await buildAll(dist);
    copyFileSync(join(ROOT, 'package.json'), join(built, 'package.json'));
    const installed = join(dist, 'bin', 'berth.js');
    progress('starting a server');
    home.startServer();
    const timed =
      (command: string, ...args: string[]) =>
      async () => {
        const started = performance.now();
        const { status, stderr, error } = spawnSync(command, args, {
          env: home.env,
          cwd: home.dir,
          stdio: ['ignore', 'pipe', 'pipe'],
        });
        const took = performance.now() - started;
        if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${error?.message ?? stderr}`);
        return took;
      };
    progress(`${runs} rounds`);
    const samples = await inTurn(
      {
        node: timed('node', '-e', '0'),
        version: timed(LAUNCHER, '--version'),
        ps: timed(LAUNCHER, 'ps'),
        builtVersion: timed(installed, '--version'),
        builtPs: timed(installed, 'ps'),
      },
      { runs, warmUp: WARM_UP },
    );
    return [
      ratio('berth --version', BASELINE, samples.version, samples.node, 2),
      ratio('berth ps, server runs', BASELINE, samples.ps, samples.node, 4),
      ratio('berth --version, built', BASELINE, samples.builtVersion, samples.node, 2),
      ratio('berth ps, server runs, built', BASELINE, samples.builtPs, samples.node, 4),
    ];
  } finally {
    await home.end();
    rmSync(built, { recursive: true, force: true });
  }
};
