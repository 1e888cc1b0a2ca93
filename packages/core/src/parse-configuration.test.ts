// biome-ignore-all lint/suspicious/noTemplateCurlyInString: `${{ … }}` is the language under test
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CheckedTask } from './configuration.ts';
import { BerthError } from './errors.ts';
import { type ParseConfigurationOptions, parseConfiguration } from './parse-configuration.ts';

type Options = Partial<ParseConfigurationOptions>;

function errorOf(text: string, options: Options = {}): BerthError {
  try {
    parseConfiguration(text, { file: 'a.yml', ...options });
  } catch (error) {
    assert.ok(error instanceof BerthError, String(error));
    return error;
  }
  return assert.fail('the configuration was taken');
}

/** Each issue as `line:column message (hint)`. */
function issuesOf(text: string, options: Options = {}): string[] {
  return errorOf(text, options).issues.map(
    ({ line, column, message, hint }) =>
      `${line === undefined ? '-' : `${line}:${column}`} ${message}${hint === undefined ? '' : ` (${hint})`}`,
  );
}

const taskOf = (text: string, options: Options = {}): CheckedTask => {
  const checked = parseConfiguration(text, { file: 'a.yml', ...options });
  assert.equal(checked.type, 'task');
  return checked as CheckedTask;
};

const TASK = 'type: task\ncommands: [a]\n';

test('an unknown key is refused with the nearest known one, at every level', () => {
  assert.deepEqual(issuesOf('type: task\ncomands:\n  - a\nimage: x\n'), [
    '2:1 unknown key `comands` (did you mean `commands`?)',
  ]);
  assert.deepEqual(issuesOf(`${TASK}resources:\n  gpuu: 1\n`), [
    '4:3 unknown key `gpuu` in `resources` (did you mean `gpu`?)',
  ]);
  assert.deepEqual(issuesOf(`${TASK}resources:\n  gpu: {nmae: A100}\n`), [
    '4:9 unknown key `nmae` in `resources.gpu` (did you mean `name`?)',
  ]);
  assert.deepEqual(issuesOf(`${TASK}image: x\nregistry_auth: {usrname: a, password: b}\n`), [
    '4:16 `registry_auth.username` is missing',
    '4:17 unknown key `usrname` in `registry_auth` (did you mean `username`?)',
  ]);
  // Of several forms of a value, the one that it comes nearest to explains it.
  assert.deepEqual(issuesOf(`${TASK}resources: {cpu: {arch: x86, cout: 4}}\n`), [
    '3:30 unknown key `cout` in `resources.cpu` (did you mean `count`?)',
  ]);
  assert.deepEqual(issuesOf(`${TASK}repos: [{url: "https://x/y", brnch: dev}]\n`), [
    '3:30 unknown key `brnch` in `repos[0]` (did you mean `branch`?)',
  ]);
  assert.deepEqual(issuesOf(`${TASK}resources: {disk: {size: 1GB..2GB, typ: ssd}}\n`), [
    '3:36 unknown key `typ` in `resources.disk` (known here: `min`, `max` or `size`)',
  ]);
  assert.match(issuesOf(`${TASK}flavour: x\n`)[0] ?? '', /^3:1 unknown key `flavour`$/);
});

test('a value of the wrong type says what is expected and what was found', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['backends: aws', '3:11 `backends` must be a list, not `aws` (write it as a list: `[aws]`)'],
    ['nodes: two', '3:8 `nodes` must be a number, not `two` (Machines that run the task together.)'],
    ['nodes: 1.5', '3:8 `nodes` must be a whole number, not `1.5` (Machines that run the task together.)'],
    ['nodes: 0', '3:8 `nodes` must be at least 1'],
    ['priority: 101', '3:11 `priority` must be at most 100'],
    ['max_price: 0', '3:12 `max_price` must be more than 0'],
    ['privileged: maybe\nimage: x', '3:13 `privileged` must be `true` or `false`, not `maybe`'],
    [
      'spot_policy: sptt',
      '3:14 `spot_policy` must be `spot`, `on-demand` or `auto`, not `sptt` (did you mean `spot`?)',
    ],
    ['env: {A: }', '3:10 `env.A` must be text, a number or `true` or `false`, not empty'],
    ['env: {A: [1]}', '3:10 `env.A` must be text, a number or `true` or `false`, not a list'],
    ['name: 12', '3:7 `name` must be text, not `12` (put it in quotes: `"12"`)'],
    [
      'tags: {a: {b: c}}',
      '3:11 `tags.a` must be text, not a map (text that holds `: ` is read as a map: put it in quotes, or in a block after `|`)',
    ],
    ['working_dir: ""', '3:14 `working_dir` must not be empty'],
    ['repos: [a, b]', '3:8 `repos` can have at most 1 entry'],
    ['tags: {"": x}', '3:8 `tags.` cannot be used as a key here'],
  ];
  for (const [line, expected] of cases) assert.deepEqual(issuesOf(`${TASK}${line}\n`), [expected], line);
});

test('a value of a grammar says what is wrong with it', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['resources: {memory: 8..4}', '3:21 resources.memory: `8GB..4GB` begins above its end (write `4GB..8GB`)'],
    ['resources: {cpu: "8..2"}', '3:18 resources.cpu: `8..2` begins above its end (write `2..8`)'],
    [
      'resources: {disk: ..}',
      '3:19 resources.disk: `..` says neither where the range begins nor where it ends (write `2..`, `..8` or `2..8`)',
    ],
    [
      'resources: {memory: {min: 8, max: 4}}',
      '3:21 resources.memory: `8GB..4GB` begins above its end (write `4GB..8GB`)',
    ],
    ['resources: {memory: {}}', '3:21 resources.memory: a range needs `min`, `max` or both'],
    ['resources: {gpu: "A100:8..2"}', '3:18 resources.gpu: `8..2` begins above its end (write `2..8`)'],
    ['resources: {gpu: A1000}', '3:18 resources.gpu: `A1000` is not a known accelerator (did you mean `A100`'],
    [
      'resources: {gpu: {compute_capability: x}}',
      '3:39 resources.gpu.compute_capability: `x` is not a compute capability (write major and minor version, for example `8.0`)',
    ],
    [
      'resources: {shm_size: 1..2}',
      '3:23 resources.shm_size: `1..2` is not a memory size (write a number and one of MB, GB, TB (for example `16GB`))',
    ],
    ['max_duration: 1h30m', '3:15 max_duration: `1h30m` is not a duration (one number and one unit: write `90m`)'],
    ['retry: {duration: off}', '3:19 retry.duration: cannot be switched off here; give a duration, for example `1h`'],
    ['ports: [80, 99999]', '3:13 `ports[1]` must be at most 65535'],
    ['ports: [80, "*:80"]', '3:13 ports[1]: `80` is given twice (keep one of them)'],
    [
      'artifacts: [../x]',
      '3:13 artifacts[0]: `../x` does not lie in the working directory (write a path such as `out/model`)',
    ],
    [
      'user: a b',
      '3:7 user: `a b` is not a user (write a name or an id, and a group after a colon if there is one: `1000:1000`)',
    ],
    ['shell: zsh', '3:8 shell: `zsh` is not a shell (write `sh`, `bash` or an absolute path)'],
    ['env: [A=1, A=2]', '3:12 env[1]: `A` is given twice'],
    [
      'env: {1A: x}',
      '3:11 `1A` cannot be the name of a variable (write `NAME=value`; a name has letters, digits and underscores)',
    ],
  ];
  for (const [line, expected] of cases) {
    const [found] = issuesOf(`${TASK}${line}\n`);
    assert.equal(found?.slice(0, expected.length), expected, line);
  }
});

test('everything that is wrong is told at once, in the order of the file', () => {
  const text =
    'type: task\nnmae: x\nresources:\n  gpu: H10\nenv: [NOPE]\ncommands:\n  - "${{ env.X }}"\n  - echo a: b\n';
  assert.deepEqual(
    issuesOf(text).map((issue) => issue.split(' ', 1)[0]),
    ['2:1', '4:8', '5:7', '7:5', '8:5'],
  );
});

test('what comes later is refused by name, and only that gives `not-supported`', () => {
  const later: readonly (readonly [string, string])[] = [
    ['python: 3.12', '`python`'],
    ['nvcc: true', '`nvcc`'],
    ['docker: true', '`docker`'],
    ['dstack: true', '`dstack`'],
    ['groups: [{name: a}]', '`groups`'],
    ['setup: [a]', '`setup`'],
    ['home_dir: /root', '`home_dir`'],
    ['schedule: {cron: "0 * * * *"}', '`schedule`'],
    ['utilization_policy: {min_gpu_utilization: 10, time_window: 10m}', '`utilization_policy`'],
    ['instances: [a]', '`instances` (placement on named machines)'],
    ['backend_options: []', '`backend_options`'],
    ['fleets: [other/gpus]', 'fleets[0]: the fleet of another project (`other/gpus`)'],
    ['image: x\nvolumes: [data:/data]', 'volumes[0]: a network volume (`data`)'],
    ['image: x\nvolumes: [{name: data, path: /data}]', 'a network volume'],
    ['image: x\nvolumes: ["data-${{ dstack.node_rank }}:/data"]', 'volumes[0]: `${{ dstack.node_rank }}`'],
  ];
  for (const [line, subject] of later) {
    const error = errorOf(`${TASK}${line}\n`);
    assert.equal(error.code, 'not-supported', line);
    assert.equal(error.issues[0]?.message, `${subject} is not yet supported`, line);
    assert.ok((error.issues[0]?.line ?? 0) >= 3 && (error.issues[0]?.column ?? 0) >= 1, line);
  }
  assert.equal(errorOf(`${TASK}python: 3.12\nnmae: x\n`).code, 'invalid-configuration');
});

test('fields of fleets that come later are refused by name', () => {
  for (const line of ['ssh_config: {hosts: [a]}', 'blocks: auto', 'blocks: 4', 'env: [A=1]', 'retry: true']) {
    const error = errorOf(`type: fleet\nnodes: 1\n${line}\n`);
    assert.equal(error.code, 'not-supported', line);
    assert.match(error.issues[0]?.message ?? '', new RegExp(`^\`${line.split(':')[0]}\``), line);
  }
  assert.match(issuesOf('type: fleet\n')[0] ?? '', /`nodes` is missing/);
  assert.match(issuesOf('type: fleet\nnodes: {min: 3, max: 2}\n')[0] ?? '', /above/);
  assert.match(issuesOf('type: fleet\nnodes: {min: 1, target: 5, max: 2}\n')[0] ?? '', /does not lie in `1..2`/);
  assert.match(issuesOf('type: fleet\nnodes: {min: 2, target: 1}\n')[0] ?? '', /does not lie in `2..`/);
  assert.match(issuesOf('type: fleet\nnodes: 5000\n')[0] ?? '', /at most 1000/);
});

test('values of later fields that ask for what happens anyway are taken', () => {
  assert.ok(
    taskOf(
      `${TASK}docker: false\nnvcc: no\ndstack: off\nprivileged: No\npython:\nschedule: null\nsingle_branch: true\n`,
    ),
  );
});

test('other types are refused by name, and unknown ones with the nearest', () => {
  for (const type of ['service', 'dev-environment', 'volume', 'gateway', 'preset']) {
    const error = errorOf(`type: ${type}\nname: x\nport: 80\n`);
    assert.equal(error.code, 'not-supported');
    assert.equal(error.issues[0]?.message, `\`type: ${type}\` is not yet supported`);
  }
  assert.deepEqual(issuesOf('type: tsk\n'), ['1:7 `type` cannot be `tsk` (did you mean `task`?)']);
  assert.match(issuesOf('commands: [a]\n')[0] ?? '', /^1:1 `type` is missing/);
  assert.match(issuesOf('profiles: []\n')[0] ?? '', /^1:1 profiles cannot be applied/);
  assert.match(issuesOf('type: [task]\n')[0] ?? '', /^1:7 `type` cannot be this/);
});

test('what needs an image says so, and a task needs something to do', () => {
  assert.match(issuesOf('type: task\n')[0] ?? '', /a task needs `commands`, an `image`, or both/);
  assert.match(issuesOf('type: task\ncommands: []\n')[0] ?? '', /^2:11 /);
  for (const line of [
    'entrypoint: x',
    'registry_auth: {username: a, password: b}',
    'privileged: true',
    'volumes: [/a:/b]',
    'ports: ["8081:80"]',
  ]) {
    assert.match(issuesOf(`${TASK}${line}\n`)[0] ?? '', /needs an image/, line);
  }
  assert.ok(taskOf(`${TASK}volumes: [{instance_path: /a, path: /b, optional: true}]\nprivileged: false\n`));
  assert.ok(taskOf('type: task\nimage: hello-world\n'));
});

test('references out of place are refused, with what to do instead', () => {
  assert.deepEqual(issuesOf('type: task\ncommands: ["echo ${{ secrets.KEY }}"]\n'), [
    '2:12 `${{ secrets.KEY }}` cannot be used in `commands[0]` (set it in `env` (`KEY: ${{ secrets.KEY }}`) and write `$KEY` in the command)',
  ]);
  assert.match(
    issuesOf(`${TASK}image: "x:\${{ env.TAG }}"\n`)[0] ?? '',
    /^3:8 `\$\{\{ env.TAG \}\}` cannot be used in `image`/,
  );
  assert.equal(issuesOf(`${TASK}image: "x: \${{ env.TAG }}"\n`).length, 1, 'the first cause only');
  assert.match(issuesOf(`${TASK}env: {A: "\${{ env.B }}"}\n`)[0] ?? '', /cannot be used in `env.A`/);
  assert.match(issuesOf(`${TASK}env: {A: "\${{ secrets.B"}\n`)[0] ?? '', /^3:10 env.A: `\$\{\{` is not closed/);
  assert.match(
    issuesOf(`${TASK}image: x\nregistry_auth: {username: "\${{ env.U }}", password: p}\n`)[0] ?? '',
    /`U` is not set in `env`/,
  );
  assert.deepEqual(taskOf('type: task\ncommands: ["echo $${{ env.X }} ${X}"]\n').fields.commands, [
    'echo ${{ env.X }} ${X}',
  ]);
});

test('variables without a value come from the environment, as data', () => {
  const text = `${TASK}env:\n  - TOKEN\n`;
  assert.deepEqual(issuesOf(text), [
    '4:5 `TOKEN` is not set where berth runs (`export TOKEN=…`, give it with `-e TOKEN=…`, or write its value here)',
  ]);
  assert.deepEqual(taskOf(text, { environment: { TOKEN: '${{ secrets.A }}' } }).fields.env, {
    TOKEN: '$${{ secrets.A }}',
  });
});

test('arguments fill the place that is meant for them, and are refused where there is none', () => {
  const text = 'type: task\ncommands: ["a ${{ run.args }}", b]\n';
  assert.deepEqual(taskOf(text).fields.commands, ['a ', 'b']);
  assert.deepEqual(taskOf(text, { args: ['$x', '${{ secrets.A }}'] }).fields.commands, [
    "a '$x' '${{ secrets.A }}'",
    'b',
  ]);
  assert.match(issuesOf(TASK, { args: ['x'] })[0] ?? '', /^2:1 no command takes the arguments/);
});

test('the command line wins over the file, and its mistakes have no place in it', () => {
  const task = taskOf(`${TASK}name: a\nmax_price: 1\nresources: {gpu: A100, cpu: 4}\nenv: {A: 1.10, B: x}\n`, {
    overrides: { name: 'b', max_price: undefined, resources: { gpu: 'H100:2' } },
    extraEnv: ['B=y', 'C'],
    environment: { C: 'z' },
  });
  assert.equal(task.name, 'b');
  assert.equal(task.fields.max_price, 1);
  assert.deepEqual(task.fields.env, { A: '1.10', B: 'y', C: 'z' });
  assert.deepEqual(task.fields.resources?.gpu?.names, ['H100']);
  assert.deepEqual(task.fields.resources?.cpu?.count, { min: 4, max: 4 });
  assert.deepEqual(
    issuesOf(`${TASK}priority: x\n`, { overrides: { max_price: -1, resources: { gpu: 'H10' } } }).map((issue) =>
      issue.slice(0, 4),
    ),
    ['3:11', '- `m', '- re'],
  );
  assert.throws(() => taskOf(TASK, { extraEnv: ['1=2'] }), { code: 'invalid-configuration' });
  assert.deepEqual(taskOf(`${TASK}env: [A=1, B=2]\n`, { extraEnv: ['A=3'] }).fields.env, { B: '2', A: '3' });
  assert.match(issuesOf(`${TASK}env: {A: }\n`, { extraEnv: ['B=1'] })[0] ?? '', /`env.A` must be/);
});

test('a configuration that is merged from anchors is read as written out', () => {
  const task = taskOf('type: task\nenv: &common {A: 1.0}\ntags: *common\ncommands: [a]\n');
  assert.deepEqual(task.fields.tags, { A: '1.0' });
});

test('errors carry the name of the file, and what cannot be read at all is told as such', () => {
  assert.deepEqual(errorOf('a: [').details.file, 'a.yml');
  assert.equal(errorOf(`a: ${'x'.repeat(2000)}`, { maxBytes: 1000 }).code, 'too-large');
  assert.match(errorOf('a: [').message, /^a.yml cannot be read as YAML/);
  assert.match(errorOf('type: task\n').message, /^a.yml cannot be used as it is/);
});
