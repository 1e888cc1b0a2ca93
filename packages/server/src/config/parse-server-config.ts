import { type CheckOptions, configurationError } from '@berth/core/configuration';
import { attempt, textOf } from '@berth/core/grammar';
import { parseMemory } from '@berth/core/memory';
import { NAME_PATTERN, parseName } from '@berth/core/name';
import { formatPath, type Problem, ProblemList } from '@berth/core/problems';
import { durationSchema } from '@berth/core/profile';
import { problemsOf } from '@berth/core/schema-issues';
import { Secret } from '@berth/core/secret';
import type { YamlDocument, YamlPath } from '@berth/core/yaml';
import { z } from 'zod';
import { KEY_BYTES, KEY_NAME } from '../crypto/sealer.ts';
import { parseConfigYaml } from './parse-config-yaml.ts';
import { placesShape } from './places.ts';
import {
  type ConfiguredEntry,
  type ConfiguredProject,
  type EntryPlace,
  NO_FILE,
  type ServerConfig,
} from './server-config.ts';
import { type Outside, readReferences } from './written-secrets.ts';

const MAX_PROJECTS = 1000;
const MAX_BACKENDS = 100;
const MAX_KEYS = 100;

const word = z.string().regex(/^[a-z][a-z0-9-]{0,59}$/);
const credentialsSchema = z.looseObject({ type: z.string().optional() });

const backendSchema = z
  .looseObject({
    type: word,
    name: word.nullish(),
    credentials: credentialsSchema.nullish(),
    /** As dstack's users know it. */
    creds: credentialsSchema.nullish(),
  })
  .refine(({ creds, credentials }) => creds == null || credentials == null, 'has both `creds` and `credentials`');

type WrittenBackend = z.output<typeof backendSchema>;

const keySchema = z.strictObject({
  name: z.string().regex(KEY_NAME),
  type: z.literal('aes').nullish(),
  /** 32 bytes in base64. */
  secret: z.string().refine((text) => Buffer.from(text, 'base64').length === KEY_BYTES, 'must be 32 bytes in base64'),
});

const bytesSchema = z.union([
  z.number().transform((value, context) => attempt(context, () => parseMemory(value) * 1024 * 1024)),
  textOf((text) => parseMemory(text) * 1024 * 1024, ''),
]);

const MAX_CATALOGS = 10;
const MAX_COLLECTED = 100;
/** Oftener is nobody's business: prices are published by the hour. */
const SHORTEST_REFRESH_S = 60;

const catalogUrl = z
  .string()
  .max(2000)
  .refine(
    (text) => /^(?:https?|file):\/\/\S+$/.test(text),
    'must be an address such as https://prices.example.com; a folder is file:///srv/prices',
  )
  // Everybody may see where prices come from; and such an address is never asked.
  .refine((text) => !hasPassword(text), 'must hold no user name and no password');

const catalogSchema = z.strictObject({
  url: z.union([catalogUrl, z.array(catalogUrl).max(MAX_CATALOGS)]).nullish(),
  public_key: z
    .string()
    .max(200)
    .refine(
      (text) => /^\s*berth-ed25519:[\w-]{43}\s*$/.test(text),
      'must be the line that `berth catalog keygen` shows: berth-ed25519:…',
    )
    .nullish(),
  refresh: durationSchema
    .refine(
      (value) => value === 'off' || value >= SHORTEST_REFRESH_S,
      `must be ${SHORTEST_REFRESH_S} s or more, or off`,
    )
    .nullish(),
  collect: z.array(word).max(MAX_COLLECTED).nullish(),
  online: z.boolean().nullish(),
});

const serverConfigSchema = z.strictObject({
  // Read before everything else, see `places.ts`.
  ...placesShape,
  projects: z
    .array(
      z.strictObject({
        name: textOf(parseName, NAME_PATTERN),
        backends: z.array(backendSchema).max(MAX_BACKENDS).nullish(),
      }),
    )
    .max(MAX_PROJECTS)
    .nullish(),
  encryption: z.strictObject({ keys: z.array(keySchema).max(MAX_KEYS).nullish() }).nullish(),
  limits: z.strictObject({ max_blob_size: bytesSchema.nullish(), event_retention: durationSchema.nullish() }).nullish(),
  catalog: catalogSchema.nullish(),
});

/**
 * @throws BerthError `invalid-configuration` with every place that is wrong. What only a backend knows
 *   (its own keys) is checked when the backend is configured. A credential that cannot be read from where it
 *   says costs only its own backend (`faults`).
 */
export function parseServerConfig(text: string, file: string, outside: Outside): ServerConfig {
  // A file of comments, as a person leaves it who has taken everything out.
  if (text.split('\n').every((line) => /^\s*(#.*)?$/.test(line))) return { ...NO_FILE, projects: [] };
  const document = parseConfigYaml(text, file);
  const options: CheckOptions = { file, locate: (problem) => document.position(problem.path, problem.at) };
  const parsed = serverConfigSchema.safeParse(document.root);
  if (!parsed.success) {
    const found = problemsOf(parsed.error.issues, serverConfigSchema, document.root);
    throw configurationError(found.map(discreet), options);
  }
  const { projects, encryption, limits, catalog } = parsed.data;
  const problems = new ProblemList();
  const configured = (projects ?? []).map((project, at): ConfiguredProject => {
    if ((projects ?? []).findIndex(({ name }) => name === project.name) < at)
      problems.add(['projects', at, 'name'], `the project \`${project.name}\` is given twice`);
    const entries = (project.backends ?? []).map((backend, index) =>
      entryOf(backend, placeIn(document, ['projects', at, 'backends', index], backend), outside),
    );
    for (const [index, entry] of entries.entries()) {
      if (entries.findIndex(({ name }) => name === entry.name) === index) continue;
      problems.add(['projects', at, 'backends', index], `there is a backend \`${entry.name}\` already`, {
        hint: 'give each a `name` of its own',
      });
    }
    return { name: project.name, backends: entries };
  });
  if (problems.all.length > 0) throw configurationError(problems.all, options);
  return {
    projects: configured,
    keys: (encryption?.keys ?? []).map(({ name, secret }) => ({
      name,
      bytes: new Secret(new Uint8Array(Buffer.from(secret, 'base64'))),
    })),
    limits: {
      maxBlobBytes: limits?.max_blob_size ?? NO_FILE.limits.maxBlobBytes,
      eventRetentionMs: retentionMs(limits?.event_retention ?? undefined),
    },
    catalog: catalogOf(catalog),
  };
}

/** A message repeats what is written, which here may be a secret. */
function discreet(problem: Problem): Problem {
  const last = problem.path.findLast((part) => part === 'creds' || part === 'credentials' || part === 'secret');
  if (last === undefined) return problem;
  const hint = last === 'secret' ? 'write 32 bytes in base64' : 'write a map of keys and values';
  return { ...problem, message: `\`${formatPath(problem.path)}\` is not what it must be`, hint };
}

function hasPassword(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && (url.username !== '' || url.password !== '');
}

function retentionMs(retention: number | 'off' | undefined): number | null {
  if (retention === undefined) return NO_FILE.limits.eventRetentionMs;
  return retention === 'off' ? null : retention * 1000;
}

function catalogOf(written: z.output<typeof catalogSchema> | null | undefined): ServerConfig['catalog'] {
  const { urls, publicKey, refreshMs, collect, online } = NO_FILE.catalog;
  const refresh = written?.refresh;
  return {
    urls: written?.url == null ? urls : [written.url].flat(),
    publicKey: written?.public_key ?? publicKey,
    refreshMs: refresh == null ? refreshMs : refresh === 'off' ? null : refresh * 1000,
    online: written?.online ?? online,
    collect: written?.collect == null ? collect : [...new Set(written.collect)],
  };
}

function entryOf(backend: WrittenBackend, place: EntryPlace, outside: Outside): ConfiguredEntry {
  const { type, name, credentials, creds, ...config } = backend;
  const { type: kind, ...written } = credentials ?? creds ?? {};
  const { value, problems } = readReferences(written, ['credentials'], outside);
  return {
    name: name ?? type,
    type,
    config,
    credentials: { kind: kind ?? 'default', value: Object.keys(written).length === 0 ? null : value },
    place,
    faults: problems,
  };
}

function placeIn(document: YamlDocument, path: YamlPath, { credentials }: WrittenBackend): EntryPlace {
  const word = credentials == null ? 'creds' : 'credentials';
  return {
    line: document.position(path).line,
    positionOf: ({ path: [root, ...rest], at }) =>
      document.position([...path, ...(root === 'credentials' ? [word] : []), ...rest], at),
  };
}
