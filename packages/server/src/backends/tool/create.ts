/** Writes the folder of a new backend, in this clone or as a package of its own. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { scaffold } from '@berth/backend/scaffold/scaffold';
import type { BackendToolOptions, NewBackendFolder, NewBackendOptions } from '@berth/core/backend-tool';
import { homeAt } from '../../config/home.ts';
import { installedPackages } from '../installed.ts';

/** In a clone this file is TypeScript; in an installed package it is part of a bundle beside the templates. */
const isSource = import.meta.url.endsWith('.ts');
const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export async function createBackend(tool: BackendToolOptions, what: NewBackendOptions): Promise<NewBackendFolder> {
  const { found } = await installedPackages(homeAt(tool.home).backends);
  const loads = await Promise.all(found.map((one) => one.load()));
  const clone = isSource ? at('../../../../../') : null;
  return await scaffold({
    title: what.title,
    kind: what.kind,
    catalog: what.catalog,
    ...(what.out === null ? {} : { out: what.out }),
    cwd: tool.cwd,
    taken: new Set(loads.flatMap((load) => (load.ok ? [load.definition.type] : []))),
    templates: isSource ? at('../../../../backend/src/scaffold/template') : at('./scaffold'),
    clone: clone !== null && existsSync(join(clone, 'backends')) ? join(clone) : null,
  });
}
