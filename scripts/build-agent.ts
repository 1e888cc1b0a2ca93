/** The agent in one file, which can be carried to another machine: `node scripts/build-agent.ts FILE`. */
import { join } from 'node:path';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';

const root = join(import.meta.dirname, '..');

/** Older engines do not get this far: the launcher sees to it. */
const TARGET = 'node24';

/** Native parts that `ssh2` and `pg` do without where they are absent: they would be for one platform only. */
const NO_NATIVE_PARTS: Plugin = {
  name: 'no native parts',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(?:cpu-features|pg-native)$|\.node$/ }, ({ path }) => ({ path, namespace: 'absent' }));
    onLoad({ filter: /.*/, namespace: 'absent' }, ({ path }) => ({
      contents: `throw new Error(${JSON.stringify(`${path} is not part of this build`)});`,
    }));
  },
};

/** How everything that is published is built. */
export const COMMON = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: TARGET,
  // `node` picks CommonJS where a package has both; as modules they are smaller and need no shim.
  mainFields: ['module', 'main'],
  conditions: ['module'],
  // Of yaml, `node` has only CommonJS, whose names a bundled `await import` does not see; this is the same as modules.
  alias: { yaml: join(root, 'node_modules', 'yaml', 'browser', 'index.js') },
  plugins: [NO_NATIVE_PARTS],
  // ssh2 looks where it lies, for a program of Windows'.
  define: { __dirname: 'import.meta.dirname' },
  metafile: true,
  logLevel: 'warning',
  // Names in stack traces are what a bug report is made of; white space is not.
  minifyWhitespace: true,
  minifySyntax: true,
  keepNames: false,
  charset: 'utf8',
  // Their licences are in one file instead.
  legalComments: 'none',
  // CommonJS packages among the bundled ones ask for Node's modules with `require`, which a module has not.
  banner: {
    js: "import{createRequire as berthCreateRequire}from'node:module';const require=berthCreateRequire(import.meta.url);",
  },
} as const satisfies BuildOptions;

export async function buildAgent(outfile: string): Promise<{ readonly metafile: Metafile }> {
  return await build({ ...COMMON, entryPoints: ['packages/agent/src/main.ts'], outfile });
}

if (import.meta.main) {
  const [outfile] = process.argv.slice(2);
  if (outfile === undefined) throw new Error('Usage: node scripts/build-agent.ts FILE');
  await buildAgent(outfile);
}
