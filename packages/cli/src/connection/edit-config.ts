import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { makePrivateFolder } from '@berth/client/private-folder';
import { BerthError } from '@berth/core/errors';
import { type Document, isMap, isSeq, parseDocument, type YAMLMap, type YAMLSeq } from 'yaml';
import type { ProjectEntry } from './project-entry.ts';

/** Changes `config.yml`; comments and what else is in it stay. The file is replaced whole, and is for its owner only. */
export function editConfig(path: string, change: (projects: ProjectList) => void): void {
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
  const document = parseDocument(text, { schema: 'failsafe' });
  const [error] = document.errors;
  if (error !== undefined) throw new BerthError('invalid-configuration', `${path} cannot be changed: ${error.message}`);
  change(new ProjectList(document));
  makePrivateFolder(dirname(path));
  const temporary = `${path}.${randomBytes(4).toString('hex')}`;
  writeFileSync(temporary, String(document), { mode: 0o600 });
  renameSync(temporary, path);
}

class ProjectList {
  readonly #document: Document;
  readonly #list: YAMLSeq;

  constructor(document: Document) {
    this.#document = document;
    if (!isMap(document.contents)) document.contents = document.createNode({});
    const found = document.get('projects');
    if (isSeq(found)) {
      this.#list = found;
      return;
    }
    document.set('projects', document.createNode([]));
    this.#list = document.get('projects') as YAMLSeq; // just made
  }

  /** Adds the entry, or replaces the one of its name. */
  put(entry: ProjectEntry): void {
    const values = { name: entry.name, url: entry.url, token: entry.token };
    const existing = this.#find(entry.name);
    if (existing === undefined) this.#list.add(this.#document.createNode(values));
    else for (const [key, value] of Object.entries(values)) existing.set(key, value);
    // A list that was empty was written on one line.
    this.#list.flow = false;
    if (entry.isDefault) this.setDefault(entry.name);
  }

  /** False when no entry has the name. */
  setDefault(name: string): boolean {
    const chosen = this.#find(name);
    if (chosen === undefined) return false;
    for (const item of this.#maps()) item.delete('default');
    chosen.set('default', 'true');
    return true;
  }

  /** False when no entry has the name. */
  remove(name: string): boolean {
    const index = this.#list.items.findIndex((item) => isMap(item) && item.get('name') === name);
    if (index < 0) return false;
    this.#list.delete(index);
    // Commands that name no project must not be left without one.
    const [first] = this.#maps();
    if (first !== undefined && !this.#maps().some((item) => item.has('default'))) first.set('default', 'true');
    return true;
  }

  #find(name: string): YAMLMap | undefined {
    return this.#maps().find((item) => item.get('name') === name);
  }

  #maps(): YAMLMap[] {
    return this.#list.items.filter((item) => isMap(item));
  }
}
