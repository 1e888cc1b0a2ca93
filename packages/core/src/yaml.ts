import { isAlias, isCollection, isMap, isScalar, isSeq, type Node } from 'yaml';
import { BerthError } from './errors.ts';
import { quote } from './quote.ts';
import { positionAt, type TextPosition } from './text-position.ts';
import { composeYaml, MAX_DEPTH, TextProblems } from './yaml-compose.ts';

/**
 * YAML text to plain values, with the place of every key and value. The text may come from anybody:
 * size, depth, tokens and what aliases expand to are bounded, and each bound is far above what a
 * configuration needs.
 */
export const DEFAULT_MAX_BYTES = 1024 * 1024;
/** After aliases are expanded. */
const MAX_VALUES = 100_000;

export type YamlValue = string | number | boolean | null | YamlValue[] | { [key: string]: YamlValue };
export type YamlMap = { [key: string]: YamlValue };
export type YamlPath = readonly (string | number)[];

export interface YamlDocument {
  readonly root: YamlMap;
  /** Where the value at `path` begins, or its key; of the nearest enclosing value when there is none. */
  position(path: YamlPath, of?: 'key' | 'value'): TextPosition;
  /** The letters of an unquoted scalar (`1.10`, which as a number is 1.1); null for anything else. */
  plainText(path: YamlPath): string | null;
}

export interface ParseYamlOptions {
  /** Name for messages. */
  readonly file: string;
  readonly maxBytes?: number;
}

/** Where a value stands in the text: offsets, and the same for what is inside. */
interface Mark {
  readonly key: number;
  readonly value: number;
  readonly plain: string | null;
  readonly inside: Map<string | number, Mark>;
}

/**
 * @throws BerthError `too-large` before anything is parsed, or `invalid-configuration` with every place
 *   that is wrong
 */
export function parseYaml(text: string, options: ParseYamlOptions): YamlDocument {
  const maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
  const bytes = Buffer.byteLength(text);
  if (bytes > maxBytes) {
    throw new BerthError('too-large', `${options.file} has ${bytes} bytes; a configuration may have ${maxBytes}`, {
      hint: 'put data and code into files of their own and name them under `files`',
      details: { file: options.file, bytes, maxBytes },
    });
  }
  const problems = new TextProblems(text, options.file);
  const document = composeYaml(text, problems);
  const builder = new Builder(problems);
  const mark: Mark = { key: 0, value: offsetOf(document.contents) ?? 0, plain: null, inside: new Map() };
  const value = document.contents === null ? null : builder.value(document.contents, mark);
  problems.throwIfAny();
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    const what = value === null ? 'is empty' : `holds ${Array.isArray(value) ? 'a list' : 'a single value'}`;
    problems.add(mark.value, `the file ${what}; a configuration is a map of keys`, 'begin with `type: task`');
    throw problems.error();
  }
  return {
    root: value,
    position: (path, of = 'value') => {
      const found = deepest(mark, path);
      const key = of === 'key' && found.depth === path.length;
      return positionAt(text, key ? found.mark.key : found.mark.value);
    },
    plainText: (path) => {
      const found = deepest(mark, path);
      return found.depth === path.length ? found.mark.plain : null;
    },
  };
}

/** Turns nodes into values; aliases and merge keys (`<<`) are expanded, within a budget. */
class Builder {
  readonly #problems: TextProblems;
  readonly #anchors = new Map<string, Node>();
  readonly #open = new Set<Node>();
  #left = MAX_VALUES;

  constructor(problems: TextProblems) {
    this.#problems = problems;
  }

  value(node: Node, mark: Mark): YamlValue {
    if (--this.#left < 0) {
      if (this.#left === -1) {
        this.#problems.add(
          offsetOf(node) ?? 0,
          `the file holds more than ${MAX_VALUES} values once aliases are expanded`,
        );
      }
      return null;
    }
    if (isAlias(node)) return this.#alias(node.source, node, mark);
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node);
    if (isScalar(node)) return this.#scalar(node.value, offsetOf(node));
    if (!isCollection(node) || this.#open.has(node) || this.#open.size > MAX_DEPTH) {
      this.#problems.add(offsetOf(node) ?? 0, 'an alias leads back into itself');
      return null;
    }
    this.#open.add(node);
    const built = isSeq(node) ? this.#list(node.items, mark) : this.#map(node, mark);
    this.#open.delete(node);
    return built;
  }

  #alias(name: string, node: Node, mark: Mark): YamlValue {
    const target = this.#anchors.get(name);
    if (target !== undefined) return this.value(target, mark);
    this.#problems.add(
      offsetOf(node) ?? 0,
      `there is no anchor named ${quote(name)}`,
      'text that begins with `*` must be in quotes',
    );
    return null;
  }

  #scalar(value: unknown, offset: number | null): YamlValue {
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    this.#problems.add(offset ?? 0, 'only text, numbers, booleans, lists and maps can stand here');
    return null;
  }

  #list(items: readonly unknown[], mark: Mark): YamlValue[] {
    const list: YamlValue[] = [];
    for (const item of items) {
      const node = item as Node; // a parsed sequence holds nodes; a pair in a flow list is a map node
      list.push(this.#child(node, list.length, offsetOf(node) ?? mark.value, mark));
    }
    return list;
  }

  #map(node: Node, mark: Mark): YamlMap {
    const map: YamlMap = {};
    const merged: { readonly node: Node; readonly at: number }[] = [];
    if (!isMap(node)) return map;
    for (const pair of node.items) {
      const at = offsetOf(pair.key) ?? mark.value;
      const value = pair.value as Node | null; // parsed pairs hold nodes
      if (!isScalar(pair.key) || typeof pair.key.value === 'object') {
        this.#problems.add(at, 'a key must be a word');
        continue;
      }
      const key = pair.key.source ?? String(pair.key.value);
      if (key === '<<' && pair.key.type === 'PLAIN') {
        if (value !== null) merged.push({ node: value, at });
      } else if (key === '__proto__') {
        this.#problems.add(at, '`__proto__` cannot be used as a key');
      } else if (mark.inside.has(key)) {
        this.#problems.add(at, `the key ${quote(key)} is given twice`, 'keep one of them');
      } else {
        map[key] = value === null ? this.#nothing(key, at, mark) : this.#child(value, key, at, mark);
      }
    }
    for (const source of merged) this.#merge(source.node, source.at, map, mark);
    return map;
  }

  /** `<<: *base` or `<<: [*a, *b]`: keys that are not there yet, those of earlier maps first. */
  #merge(node: Node, at: number, map: YamlMap, mark: Mark): void {
    const from: Mark = { key: at, value: at, plain: null, inside: new Map() };
    const value = this.value(node, from);
    const sources = Array.isArray(value) ? value : [value];
    sources.forEach((source, index) => {
      if (source === null || typeof source !== 'object' || Array.isArray(source)) {
        this.#problems.add(at, '`<<` takes a map or a list of maps');
        return;
      }
      const marks = Array.isArray(value) ? from.inside.get(index) : from;
      for (const [key, entry] of Object.entries(source)) {
        if (mark.inside.has(key)) continue;
        map[key] = entry;
        mark.inside.set(key, marks?.inside.get(key) ?? from);
      }
    });
  }

  #child(node: Node, key: string | number, keyOffset: number, parent: Mark): YamlValue {
    const target = isAlias(node) ? this.#anchors.get(node.source) : node;
    const plain = isScalar(target) && target.type === 'PLAIN' ? (target.source ?? null) : null;
    const mark: Mark = { key: keyOffset, value: offsetOf(node) ?? keyOffset, plain, inside: new Map() };
    parent.inside.set(key, mark);
    return this.value(node, mark);
  }

  #nothing(key: string, at: number, parent: Mark): null {
    parent.inside.set(key, { key: at, value: at, plain: null, inside: new Map() });
    return null;
  }
}

function offsetOf(node: unknown): number | null {
  return (node as Node | null)?.range?.[0] ?? null;
}

function deepest(root: Mark, path: YamlPath): { readonly mark: Mark; readonly depth: number } {
  let mark = root;
  for (const [depth, segment] of path.entries()) {
    const next = mark.inside.get(segment);
    if (next === undefined) return { mark, depth };
    mark = next;
  }
  return { mark, depth: path.length };
}
