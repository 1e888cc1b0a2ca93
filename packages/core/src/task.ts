// biome-ignore-all lint/suspicious/noTemplateCurlyInString: `${{ … }}` is what descriptions tell people to write
import { z } from 'zod';
import { envSchema } from './env-spec.ts';
import { BerthError } from './errors.ts';
import { fileSchema } from './file-mapping.ts';
import { attempt, flag, notYet, SWITCHED_OFF, textOf } from './grammar.ts';
import { mountSchema } from './mount-point.ts';
import { portSchema } from './port-mapping.ts';
import { nameSchema, profileShape } from './profile.ts';
import { quote } from './quote.ts';
import { repoSchema } from './repo-spec.ts';
import { resourcesSchema } from './resources.ts';
import { splitShellWords } from './shell-words.ts';

/** `type: task`: the fields of dstack's tasks, and Berth's own `artifacts`. */

/** Longer ones are made by a program, and belong into a script. */
const MAX_COMMANDS = 10_000;
/** As many as the API takes. */
const MAX_FILES = 1000;
/** More jobs than this in one run is a slip of the keyboard, and each is a row that the engine holds. */
const MAX_NODES = 1000;

const text = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^[^\u0000]*$/);

const USER_PATTERN = '^[A-Za-z0-9_][A-Za-z0-9_.-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?$';
const user = z.union([z.int().min(0).transform(String), textOf(parseUser, USER_PATTERN)]);

const SHELL_PATTERN = '^(sh|bash|/.*)$';
const ARTIFACT_PATTERN = '^[^/~].*$';

export const taskSchema = z
  .strictObject({
    type: z.literal('task'),
    name: nameSchema.nullish(),
    image: textOf(parseImage, '^\\S+$')
      .nullish()
      .meta({ description: 'Docker image; without one the job is a process on the machine itself.' }),
    registry_auth: z.strictObject({ username: z.string(), password: z.string() }).nullish().meta({
      description: 'How to log in where the image is kept; may hold `${{ secrets.NAME }}` and `${{ env.NAME }}`.',
    }),
    entrypoint: textOf(splitShellWords)
      .nullish()
      .meta({ description: "Replaces the image's entrypoint; split as a shell splits words." }),
    commands: z
      .array(z.string())
      .max(MAX_COMMANDS)
      .nullish()
      .meta({ description: 'Shell commands, run one after another; the first that fails ends the job.' }),
    shell: textOf(parseShell, SHELL_PATTERN)
      .nullish()
      .meta({ description: '`sh`, `bash` or an absolute path; `/bin/sh` with an image, else `/bin/bash`.' }),
    env: envSchema
      .nullish()
      .meta({ description: 'Variables: a map, or a list of `NAME=value` and `NAME` (taken from your environment).' }),
    user: user.nullish().meta({ description: 'User of the job: name or id, and group after a colon.' }),
    working_dir: text(4096).nullish().meta({ description: 'Absolute, `~/…`, or relative to the code.' }),
    privileged: flag.nullish().meta({ description: 'Gives the container all rights on the machine.' }),
    single_branch: flag.nullish().meta({ description: 'Has no effect: only the commit that is needed is fetched.' }),
    resources: resourcesSchema.nullish(),
    priority: z.int().min(0).max(100).nullish().meta({ description: 'Runs with a higher number go first.' }),
    nodes: z.int().min(1).max(MAX_NODES).nullish().meta({ description: 'Machines that run the task together.' }),
    ports: z
      .array(portSchema)
      .max(1000)
      .nullish()
      .meta({ description: 'Ports to forward: `8080`, `80:8080`, `*:8080`.' }),
    volumes: z
      .array(mountSchema)
      .max(1000)
      .nullish()
      .meta({ description: 'Folders of the machine: `/host/path:/path`.' }),
    repos: z.array(repoSchema).max(1).nullish().meta({ description: 'Code that the job starts with; at most one.' }),
    files: z
      .array(fileSchema)
      .max(MAX_FILES)
      .nullish()
      .meta({ description: 'Files and folders that the job gets: `local:path`.' }),
    artifacts: z
      .array(textOf(parseArtifact, ARTIFACT_PATTERN))
      .max(MAX_FILES)
      .nullish()
      .meta({ description: 'Paths in the working directory that are brought back when the job ends.' }),
    ...profileShape,
    python: notYet('`python`', {
      hint: 'it chooses an image: name one with that Python, for example `image: python:3.12`',
    }),
    nvcc: notYet('`nvcc`', { harmless: SWITCHED_OFF, hint: 'it chooses an image: name one that has nvcc' }),
    docker: notYet('`docker`', { harmless: SWITCHED_OFF, hint: 'name an image that holds Docker' }),
    dstack: notYet('`dstack`', { harmless: SWITCHED_OFF }),
    groups: notYet('`groups`', { hint: 'nodes that are all alike are asked for with `nodes: N`' }),
    setup: notYet('`setup`', { hint: 'put its lines at the beginning of `commands`' }),
    home_dir: notYet('`home_dir`', { hint: 'use `working_dir`' }),
  })
  .transform((task, context) => {
    for (const flaw of findFlaws(task)) {
      attempt(
        context,
        () => {
          throw new BerthError('invalid-configuration', flaw.message, { hint: flaw.hint });
        },
        flaw.path,
      );
    }
    return task;
  })
  .meta({ title: 'Task', description: 'A job that runs commands and ends.' });

/** The fields of a task as written: units read, nothing filled in. */
export type TaskFields = z.output<typeof taskSchema>;

interface Flaw {
  readonly path: (string | number)[];
  readonly message: string;
  readonly hint: string;
}

const NEEDS_IMAGE = 'add `image`, or leave it out: without an image the job is a process on the machine itself';

/** What no field can tell by itself. */
function* findFlaws(task: {
  readonly image?: string | null | undefined;
  readonly commands?: readonly string[] | null | undefined;
  readonly entrypoint?: unknown;
  readonly registry_auth?: unknown;
  readonly privileged?: boolean | null | undefined;
  readonly volumes?: readonly { readonly path: string; readonly optional: boolean }[] | null | undefined;
  readonly ports?: readonly { readonly container: number; readonly local: number | null }[] | null | undefined;
}): Generator<Flaw> {
  const flaw = (path: (string | number)[], message: string, hint: string): Flaw => ({ path, message, hint });
  if ((task.commands ?? []).length === 0 && task.image == null) {
    yield flaw(['commands'], 'a task needs `commands`, an `image`, or both', 'write `commands: [echo hello]`');
  }
  if (task.image == null) {
    if (task.entrypoint != null) yield flaw(['entrypoint'], '`entrypoint` needs an image', NEEDS_IMAGE);
    if (task.registry_auth != null) yield flaw(['registry_auth'], '`registry_auth` needs an image', NEEDS_IMAGE);
    if (task.privileged === true) yield flaw(['privileged'], '`privileged` needs an image', NEEDS_IMAGE);
    for (const [index, { container, local }] of (task.ports ?? []).entries()) {
      // A process listens where it listens: there is no network of its own to map from.
      if (local !== null && local !== container)
        yield flaw(['ports', index], 'a port of another number needs an image', NEEDS_IMAGE);
    }
    for (const [index, mount] of (task.volumes ?? []).entries()) {
      if (!mount.optional)
        yield flaw(['volumes', index], 'a mount needs an image', `${NEEDS_IMAGE}; or set \`optional: true\``);
    }
  }
  yield* duplicates(
    'volumes',
    task.volumes?.map((mount) => mount.path),
  );
  yield* duplicates(
    'ports',
    task.ports?.map((port) => port.container),
  );
}

function* duplicates(field: string, values: readonly (string | number)[] = []): Generator<Flaw> {
  const seen = new Set<string | number>();
  for (const [index, value] of values.entries()) {
    if (seen.has(value)) {
      yield { path: [field, index], message: `${quote(String(value))} is given twice`, hint: 'keep one of them' };
    }
    seen.add(value);
  }
}

function parseImage(image: string): string {
  if (/^[^\s\u0000-\u001f]+$/.test(image) && !image.startsWith('-')) return image;
  throw new BerthError('invalid-configuration', `${quote(image)} is not the name of an image`, {
    hint: 'write for example `python:3.12-slim`',
  });
}

function parseUser(name: string): string {
  if (new RegExp(USER_PATTERN).test(name)) return name;
  throw new BerthError('invalid-configuration', `${quote(name)} is not a user`, {
    hint: 'write a name or an id, and a group after a colon if there is one: `1000:1000`',
  });
}

function parseShell(shell: string): string {
  if (shell === 'sh' || shell === 'bash' || /^\/[^\u0000]+$/.test(shell)) return shell;
  throw new BerthError('invalid-configuration', `${quote(shell)} is not a shell`, {
    hint: 'write `sh`, `bash` or an absolute path',
  });
}

function parseArtifact(path: string): string {
  if (path !== '' && !/^[/~]/.test(path) && !path.split('/').includes('..') && !path.includes('\0')) return path;
  throw new BerthError('invalid-configuration', `${quote(path)} does not lie in the working directory`, {
    hint: 'write a path such as `out/model`',
  });
}
