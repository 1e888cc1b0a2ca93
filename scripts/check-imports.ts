/** Holds every import of the rooms against `import-rules.ts`. Exit code 1 and a line per breach. */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { ROOMS, type Room, TEST_PACKAGES } from './import-rules.ts';

const IMPORT = /(?:^|[\s;}])(?:import|export)\s(?:[^'"`;]*?\sfrom\s*)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm;

export interface Breach {
  readonly file: string;
  readonly specifier: string;
  readonly why: string;
}

/** The modules that a source text names, comments left out. */
export function importsOf(source: string): string[] {
  const bare = source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  return [...bare.matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? '');
}

export function check(root: string, file: string, source: string, room: Room, roomFolder: string): Breach[] {
  const isTest = /\.test\.ts$|\/testing\/|\.fixture\.ts$|fake-/.test(file);
  const breaches: Breach[] = [];
  for (const specifier of importsOf(source)) {
    const breach = (why: string): void => void breaches.push({ file, specifier, why });
    if (specifier.startsWith('node:')) continue;
    if (specifier.startsWith('.')) {
      const target = relative(roomFolder, resolve(dirname(join(root, file)), specifier));
      if (target.startsWith('..')) breach('reaches into another room by path; import it by its name');
      continue;
    }
    const name = specifier
      .split('/')
      .slice(0, specifier.startsWith('@') ? 2 : 1)
      .join('/');
    if (name.startsWith('@berth/')) {
      if (!room.rooms.includes(name)) breach(`${room.folder} may not see ${name}`);
    } else if (!room.packages.includes(name) && !(isTest && TEST_PACKAGES.includes(name))) {
      breach(`${room.folder} may not use the package ${name}`);
    }
  }
  return breaches;
}

export function checkAll(root: string): { breaches: Breach[]; files: number } {
  const breaches: Breach[] = [];
  let files = 0;
  const seen = new Set<string>();
  for (const room of ROOMS) {
    for (const folder of globSync(room.folder, { cwd: root })) {
      // The first entry that fits a folder is its rule.
      if (seen.has(folder)) continue;
      seen.add(folder);
      for (const file of globSync(join(folder, room.sources ?? 'src', '**/*.ts'), { cwd: root })) {
        files += 1;
        breaches.push(...check(root, file, readFileSync(join(root, file), 'utf8'), room, join(root, folder)));
      }
    }
  }
  return { breaches, files };
}

if (import.meta.main) {
  const { breaches, files } = checkAll(join(import.meta.dirname, '..'));
  for (const { file, specifier, why } of breaches) console.error(`${file}: '${specifier}': ${why}`);
  console.log(`import rules: ${files} files, ${breaches.length} breaches`);
  process.exitCode = breaches.length === 0 ? 0 : 1;
}
