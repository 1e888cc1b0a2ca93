/**
 * `npm run build`: what a published package runs, as JavaScript in `dist/` that needs no other package.
 *
 *   dist/bin/berth.js            the launcher, as it is: any Node can read it
 *   dist/cli/main.js             the command line; a command is a chunk that loads when it is called
 *   dist/server.js               the server
 *   dist/catalog-tool.js         the catalog of this machine, for the command line without a server
 *   dist/backend-tool.js         scaffold and conformance kit, for those who add a cloud
 *   dist/catalog-worker.js       the catalog for a thread of the server
 *   dist/sdk/NAME.js             what backends import, for those that lie elsewhere
 *   dist/scaffold/               the templates of `berth backend new`
 *   dist/backends/NAME/          every backend of `backends/`, a package that discovery finds
 *   dist/agent.js                the agent in one file, which can be carried to another machine
 *   dist/THIRD-PARTY-LICENSES.txt
 *
 * Server, tools and backends are built together and share chunks: what one of them throws, the other must know
 * by its class. Which file lies where in a build, each room knows itself (`built-files.ts`).
 */
import { chmodSync, copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { discoverBackends } from '@berth/backend';
import { build, type Metafile } from 'esbuild';
import { buildAgent, COMMON } from './build-agent.ts';
import { bundledPackages, licenseText } from './third-party-licenses.ts';

const root = join(import.meta.dirname, '..');

/** Builds into `dist`, which is made anew. Returns what went into which file. Throws when a part cannot be built. */
export async function buildAll(dist: string): Promise<readonly Metafile[]> {
  rmSync(dist, { recursive: true, force: true });
  const { found, unavailable } = await discoverBackends({ roots: [join(root, 'backends')] });
  for (const { dir, reason } of unavailable) throw new Error(`${dir}: ${reason}`);
  const backends = found.map((backend) => ({ ...backend, folder: basename(backend.dir) }));

  const builds = await Promise.all([
    build({
      ...COMMON,
      entryPoints: { main: 'packages/cli/src/main.ts' },
      outdir: join(dist, 'cli'),
      splitting: true,
      chunkNames: '[name]-[hash]',
    }),
    build({
      ...COMMON,
      entryPoints: {
        server: 'packages/server/src/main.ts',
        'catalog-tool': 'packages/server/src/catalog-tool.ts',
        'backend-tool': 'packages/server/src/backend-tool.ts',
        'catalog-worker': 'packages/server/src/catalog-worker.ts',
        // What backends import that lie elsewhere (`own-packages.ts`).
        'sdk/backend': 'packages/backend/src/sdk.ts',
        'sdk/core': 'packages/core/src/index.ts',
        'sdk/http': 'packages/http/src/http.ts',
        'sdk/zod': 'zod',
        ...Object.fromEntries(backends.flatMap(({ folder, dir, module }) => backendEntries(folder, dir, module))),
      },
      outdir: dist,
      splitting: true,
      // Beside server.js and no deeper: a module finds agent and backends from where its own file lies.
      chunkNames: 'server-[name]-[hash]',
    }),
    buildAgent(join(dist, 'agent.js')),
  ]);

  for (const { dir, folder } of backends) writeBackendManifest(dir, join(dist, 'backends', folder));
  cpSync(join(root, 'packages/backend/src/scaffold/template'), join(dist, 'scaffold'), { recursive: true });
  writeLauncher(join(dist, 'bin', 'berth.js'));
  const metafiles = builds.map((result) => result.metafile);
  writeLicenses(join(dist, 'THIRD-PARTY-LICENSES.txt'), metafiles);
  return metafiles;
}

function writeLauncher(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  copyFileSync(join(root, 'packages', 'cli', 'bin', 'berth.js'), path);
  chmodSync(path, 0o755);
}

/** The definition, and the fake of the cloud where there is one. */
function backendEntries(folder: string, dir: string, module: string): readonly (readonly [string, string])[] {
  const { conformance } = readManifest(dir).berth;
  const index = [`backends/${folder}/index`, module] as const;
  return conformance === undefined ? [index] : [index, [`backends/${folder}/conformance`, join(dir, conformance)]];
}

/** The package as discovery wants to see it: the source's manifest, with the modules that were built. */
function writeBackendManifest(source: string, target: string): void {
  const { name, version, license, berth } = readManifest(source);
  const conformance = berth.conformance === undefined ? {} : { conformance: './conformance.js' };
  const built = { backend: './index.js', ...conformance };
  const manifest = { name, version, private: true, type: 'module', license, berth: built };
  writeFileSync(join(target, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

function readManifest(dir: string): Manifest {
  return JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8')) as Manifest; // ours
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly berth: { readonly conformance?: string };
}

function writeLicenses(path: string, metafiles: readonly Metafile[]): void {
  const inputs = metafiles.flatMap((metafile) => Object.keys(metafile.inputs));
  writeFileSync(path, licenseText(bundledPackages(root, inputs)));
}

if (import.meta.main) {
  const started = performance.now();
  const dist = join(root, 'dist');
  await buildAll(dist);
  // On stderr: `npm pack --json` calls this and its stdout is for programs.
  console.error(`built ${dist} in ${Math.round(performance.now() - started)} ms`);
}
