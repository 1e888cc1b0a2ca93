/**
 * Which room may see which, and which npm packages, as data. Imports point downward only; nothing but
 * the server's composition root puts concrete parts together. Checked by `check-imports.ts`.
 */
export interface Room {
  /** Folder, from the root of the repository; `*` stands for one name. */
  readonly folder: string;
  /** Rooms that it may import, by package name. */
  readonly rooms: readonly string[];
  /** npm packages that it may import besides. */
  readonly packages: readonly string[];
  /** Where in the folder the sources are; absent: in `src`. */
  readonly sources?: string;
}

export const ROOMS: readonly Room[] = [
  { folder: 'packages/core', rooms: [], packages: ['zod', 'yaml'] },
  { folder: 'packages/http', rooms: [], packages: ['zod'] },
  { folder: 'packages/catalog', rooms: ['@berth/core', '@berth/http'], packages: ['zod'] },
  { folder: 'packages/backend', rooms: ['@berth/core', '@berth/catalog', '@berth/http'], packages: ['zod'] },
  { folder: 'packages/store', rooms: ['@berth/core'], packages: ['pg'] },
  { folder: 'packages/engine', rooms: ['@berth/core', '@berth/backend', '@berth/store'], packages: [] },
  { folder: 'packages/agent', rooms: ['@berth/core'], packages: ['tar'] },
  {
    folder: 'packages/server',
    rooms: [
      '@berth/core',
      '@berth/catalog',
      '@berth/http',
      '@berth/backend',
      '@berth/store',
      '@berth/engine',
      '@berth/agent',
    ],
    packages: ['zod', 'fastify', 'yaml', 'ssh2'],
  },
  { folder: 'packages/client', rooms: ['@berth/core'], packages: ['tar', 'ignore'] },
  { folder: 'packages/cli', rooms: ['@berth/core', '@berth/client'], packages: ['commander', 'tar', 'yaml'] },
  {
    // The one backend that shares a machine with its agents: it clears away what a dead one left.
    folder: 'backends/local',
    rooms: ['@berth/backend', '@berth/core', '@berth/agent', '@berth/http'],
    packages: ['zod'],
  },
  {
    folder: 'backends/*',
    rooms: ['@berth/backend', '@berth/catalog', '@berth/core', '@berth/http'],
    packages: ['zod'],
  },
  // A cloud as others build them: it knows nothing of Berth.
  { folder: 'examples/fluffycloud', rooms: [], packages: ['zod', 'ssh2'], sources: '.' },
];

/** What tests may import besides. */
export const TEST_PACKAGES: readonly string[] = ['fast-check'];
