import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { after, describe, it, type TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { JobId } from '@berth/core/ids';
import type { WorkSpec } from '@berth/core/job-spec';
import { usageOf } from './container-execution.ts';
import { testAssignment } from './testing/assignment.ts';
import { requirePart, TEST_IMAGE } from './testing/parts.ts';
import { useBench } from './testing/test-suite.ts';

const bench = useBench({ args: ['--metrics-ms', '200'] });

function inContainer(claim: string, test: (t: TestContext) => Promise<void>): void {
  it(claim, async (t) => {
    if (await requirePart(t, 'docker')) await test(t);
  });
}

type Rest = Parameters<typeof testAssignment>[1];
const job = (work: Partial<WorkSpec>, rest: Rest = {}) => testAssignment({ image: TEST_IMAGE, ...work }, rest);

async function output(work: Partial<WorkSpec>, rest: Rest = {}): Promise<string> {
  const assignment = job(work, rest);
  const ended = await bench.server.run(assignment);
  assert.deepEqual([ended.reason, ended.message, ended.exitStatus], ['exited', '', 0]);
  return bench.server.logOf(assignment.job).toString();
}

/** Names and contents of an archive of artifacts, as GNU tar sees it. */
async function artifactsOf(id: JobId): Promise<string> {
  const target = new PassThrough();
  const [archive] = await Promise.all([buffer(target), bench.server.link.readArtifacts(id, target)]);
  return execFileSync('tar', ['-tv', '-f', '-'], { input: gunzipSync(archive), encoding: 'utf8' });
}

describe('a container', () => {
  inContainer('runs the commands and ends with their status', async () => {
    const assignment = job({ commands: ['echo in; exit 7'] });
    const ended = await bench.server.run(assignment);
    assert.deepEqual([ended.reason, ended.exitStatus, ended.signal], ['exited', 7, null]);
    const running = await bench.server.eventOf(assignment.job, 'job-running');
    assert.match(running.container ?? '', /^[0-9a-f]{64}$/);
    assert.equal(running.pid, null);
  });

  inContainer('has the environment of the contract', async () => {
    const env = await output({ commands: ['env'], env: { MINE: '1' } }, { env: { DSTACK_RUN_NAME: 'r' } });
    for (const line of [
      'MINE=1',
      'DSTACK_RUN_NAME=r',
      'DSTACK_NODE_RANK=0',
      'BERTH_WORKING_DIR=/',
      'PATH=/usr/bin:/bin',
    ]) {
      assert.ok(env.includes(`${line}\n`), line);
    }
    assert.doesNotMatch(env, /SECRET/);
    assert.equal(await output({ commands: ['cat $BERTH_MPI_HOSTFILE'] }), '127.0.0.1 slots=1\n');
  });

  inContainer('has its code and files, in order and with their modes, where it expects them', async () => {
    const blob = await bench.send([
      { path: 'run.sh', content: '#!/bin/sh\ncat data /opt/abs; ls -l /berth-f | cut -c1-10\n', mode: 0o755 },
      { path: 'data', content: 'of the code\n' },
      { path: 'link', type: 'symlink', linkTo: '/tmp' },
    ]);
    const files = [
      await bench.sendFile('data', 'of the file\n'),
      await bench.sendFile('/opt/abs', 'absolute\n'),
      await bench.sendFile('/berth-f', ''),
    ];
    const code = { kind: 'tar', blob, bytes: 1, path: '.', ifExists: 'error' } as const;
    const work = { code, files, commands: ['pwd; ./run.sh; readlink link; echo $DSTACK_REPO_DIR'] };
    assert.equal(await output(work), '/workspace\nof the file\nabsolute\n-rw-r--r--\n/tmp\n/workspace\n');
  });

  inContainer('leaves the directories that it finds as they are', async () => {
    const files = [await bench.sendFile('/tmp/new/x', 'x'), await bench.sendFile('/root/y', 'y')];
    const commands = ['ls -ld /root /tmp | cut -c1-10', 'cat /tmp/new/x /root/y'];
    assert.equal(await output({ files, commands }), 'drwxr-xr-x\ndrwxrwxrwt\nxy');
  });

  inContainer('has no code put over what is there, unless that is left alone', async () => {
    const blob = await bench.send([{ path: 'x', content: '' }]);
    const code = { kind: 'tar', blob, bytes: 1, path: '/etc', ifExists: 'error' } as const;
    const ended = await bench.server.run(job({ code, commands: ['true'] }));
    assert.equal(ended.reason, 'setup-error');
    assert.match(ended.message, /\/etc, which is not empty/);
    assert.equal(
      await output({
        code: { ...code, ifExists: 'skip' },
        commands: ['ls /etc/x || ls /etc/passwd'],
        workingDir: '/',
      }).then((text) => text.split('\n').at(-2)),
      '/etc/passwd',
    );
    // An empty directory is nobody's.
    assert.equal(await output({ code: { ...code, path: '/home/app' }, commands: ['ls'] }), 'x\n');
  });

  inContainer('begins in a working directory that counts from the code, whether the code has it or not', async () => {
    const blob = await bench.send([
      { path: 'train/', type: 'directory', mode: 0o755 },
      { path: 'train/main.sh', content: 'pwd; cat ../conf\n', mode: 0o755 },
      { path: 'conf', content: 'configured\n' },
    ]);
    for (const [path, place] of [
      ['.', '/workspace'],
      ['/opt/code', '/opt/code'],
    ] as const) {
      const code = { kind: 'tar', blob, bytes: 1, path, ifExists: 'error' } as const;
      const said = await output({ code, workingDir: 'train', commands: ['sh main.sh'] });
      assert.equal(said, `${place}/train\nconfigured\n`);
      const commands = ['pwd; cat ../../conf; touch mine'];
      assert.equal(
        await output({ code, workingDir: 'new/dir', user: 'app', commands }),
        `${place}/new/dir\nconfigured\n`,
      );
    }
  });

  inContainer('gets and gives back names that look like drives of Windows', async () => {
    const blob = await bench.send([{ path: 'C:in', content: 'x\n' }]);
    const code = { kind: 'tar', blob, bytes: 1, path: '.', ifExists: 'error' } as const;
    const assignment = job({ code, commands: ['cat C:in > D:out'], artifacts: ['D:out'] });
    assert.equal((await bench.server.run(assignment)).exitStatus, 0);
    assert.match(await artifactsOf(assignment.job), / D:out\n/);
  });

  describe('of an image with hostile accounts', () => {
    const images: string[] = [];
    after(() => {
      for (const image of images) execFileSync('docker', ['rmi', '-f', image], { stdio: 'ignore' });
    });

    /** The test image after a command, which `/etc/passwd` is the object of. */
    function imageAfter(command: string): string {
      const image = `berth-test/accounts-${images.length}-${process.pid}:latest`;
      const name = image.replace(/\W/g, '-');
      execFileSync('docker', ['run', '--name', name, TEST_IMAGE, 'sh', '-c', command], { stdio: 'pipe' });
      execFileSync('docker', ['commit', name, image], { stdio: 'pipe' });
      execFileSync('docker', ['rm', '-f', name], { stdio: 'pipe' });
      images.push(image);
      return image;
    }

    for (const [what, command, message] of [
      ['a huge file', 'dd if=/dev/zero of=/etc/passwd bs=1M count=1 seek=767', /\/etc\/passwd has 805306368 bytes/],
      ['a pipe', 'rm /etc/passwd; mkfifo /etc/passwd', /\/etc\/passwd is not a file/],
      [
        'a link to itself',
        'ln -sf passwd /etc/passwd',
        /The image's \/etc\/passwd (is a link that leads in a circle|cannot be read: .*too many links)/,
      ],
      ['a link to nothing that is in it', 'ln -sf ../../../../../no/such /etc/passwd', /no user "app"/],
    ] as const) {
      inContainer(`${what}, the job ends and says so`, async () => {
        const before = bench.agent.residentBytes;
        const ended = await bench.server.run(job({ image: imageAfter(command), user: 'app', commands: ['id'] }));
        assert.equal(ended.reason, 'setup-error', ended.message);
        assert.match(ended.message, message);
        assert.ok(bench.agent.residentBytes - before < 150 * 1024 * 1024, 'it was not read into memory');
      });
    }

    inContainer('a link inside of it, the link is followed', async () => {
      const image = imageAfter('mkdir /accounts; mv /etc/passwd /accounts/p; ln -s ../accounts/p /etc/passwd');
      assert.equal(await output({ image, user: 'app', commands: ['id -u'] }), '1000\n');
    });
  });

  inContainer('runs as another user, who has the code and a home', async () => {
    const blob = await bench.send([{ path: 'x', content: 'mine\n' }]);
    const code = { kind: 'tar', blob, bytes: 1, path: '~/code', ifExists: 'error' } as const;
    const commands = ['id -u; id -g; pwd; cat x; echo more >> x; touch y; echo $HOME'];
    assert.equal(await output({ user: 'app', code, commands }), '1000\n1000\n/home/app/code\nmine\n/home/app\n');
  });

  inContainer('has the limits that it was given', async () => {
    const commands = [
      'cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max',
      'cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us 2>/dev/null || cut -d" " -f1 /sys/fs/cgroup/cpu.max',
      "df -k /dev/shm | tail -1 | awk '{print $2}'",
    ];
    const limits = { cpus: 0.5, memoryMiB: 64 };
    assert.equal(await output({ commands, shmMiB: 32 }, { limits }), '67108864\n50000\n32768\n');
  });

  inContainer('that uses more memory than it has ends, and the message says so', async () => {
    const commands = ['awk \'BEGIN { s = "xxxxxxxxxxxxxxxx"; while (1) s = s s }\''];
    const ended = await bench.server.run(job({ commands }, { limits: { memoryMiB: 32 } }));
    assert.equal(ended.exitStatus, 137);
    assert.match(ended.message, /more memory than it was given/);
  });

  inContainer('has the mounts that exist', async () => {
    const dir = join(bench.agent.root, 'mounted');
    await mkdir(dir);
    await writeFile(join(dir, 'x'), 'from outside\n');
    const mounts = [
      { instancePath: dir, path: '/mnt', optional: false },
      { instancePath: '/no/such/directory', path: '/opt/none', optional: true },
    ];
    assert.equal(
      await output({ mounts, commands: ['cat /mnt/x; ls -d /opt/none 2>/dev/null || echo none'] }),
      'from outside\nnone\n',
    );
  });

  inContainer('publishes a port on this machine', async () => {
    const assignment = job(
      {
        ports: [{ container: 8080, local: null }],
        commands: ['echo -e "HTTP/1.0 200 OK\\r\\n\\r\\nserved" | nc -l -p 8080'],
      },
      { network: 'bridge' },
    );
    await bench.server.begin(assignment);
    const { container } = await bench.server.eventOf(assignment.job, 'job-running');
    const published = execFileSync('docker', ['port', container ?? '', '8080/tcp'], { encoding: 'utf8' }).trim();
    assert.match(published, /^127\.0\.0\.1:\d+$/);
    await bench.server.link.request('job.stop', { job: assignment.job, graceMs: 0 });
    await bench.server.end(assignment.job);
  });

  inContainer('tells what it uses', async () => {
    const assignment = job({ commands: ['i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; sleep 1'] });
    await bench.server.run(assignment);
    const last = bench.server.metrics.filter((metrics) => metrics.job === assignment.job).at(-1);
    assert.ok((last?.cpuMs ?? 0) > 20 && (last?.memoryBytes ?? 0) > 50_000, JSON.stringify(last));
  });

  inContainer('is gone when the job is removed, and not before', async () => {
    const assignment = job({ commands: ['true'] });
    await bench.server.run(assignment);
    const list = () =>
      execFileSync('docker', ['ps', '-aq', '--filter', `label=berth.job=${assignment.job}`], { encoding: 'utf8' });
    assert.notEqual(list(), '');
    await bench.server.link.request('job.remove', { job: assignment.job });
    assert.equal(list(), '');
  });
});

describe('a container that is stopped', () => {
  inContainer('may end by itself, and the shell does not keep the signal to itself', async () => {
    const assignment = job({ commands: ['trap "echo bye; exit 9" TERM; echo up; while :; do sleep 0.05; done'] });
    await bench.server.begin(assignment);
    await bench.server.until('it is up', () => bench.server.logBytes(assignment.job) > 0);
    await bench.server.link.request('job.stop', { job: assignment.job, graceMs: 20_000 });
    const ended = await bench.server.end(assignment.job, 10_000);
    assert.deepEqual([ended.reason, ended.exitStatus], ['stopped', 9]);
    assert.equal(bench.server.logOf(assignment.job).toString(), 'up\nbye\n');
  });

  inContainer('ends at once where nothing handles the signal', async () => {
    const assignment = job({ commands: ['echo up; sleep 500'] });
    await bench.server.begin(assignment);
    await bench.server.until('it is up', () => bench.server.logBytes(assignment.job) > 0);
    const began = performance.now();
    await bench.server.link.request('job.stop', { job: assignment.job, graceMs: 20_000 });
    const ended = await bench.server.end(assignment.job);
    assert.deepEqual([ended.reason, ended.exitStatus], ['stopped', 143]);
    assert.ok(performance.now() - began < 5_000);
  });

  inContainer('is killed when its grace is over', async () => {
    const assignment = job({ commands: ['trap "" TERM; echo up; while :; do sleep 0.1; done'] });
    await bench.server.begin(assignment);
    await bench.server.until('it is up', () => bench.server.logBytes(assignment.job) > 0);
    await bench.server.link.request('job.stop', { job: assignment.job, graceMs: 300 });
    assert.equal((await bench.server.end(assignment.job, 10_000)).exitStatus, 137);
  });

  inContainer('by max_duration says so', async () => {
    const ended = await bench.server.run(job({ commands: ['sleep 500'], maxDurationMs: 400, stopDurationMs: 100 }));
    assert.equal(ended.reason, 'max-duration');
  });

  inContainer('by somebody else ends all the same, with its log', async () => {
    const assignment = job({ commands: ['echo up; sleep 500'] });
    await bench.server.begin(assignment);
    await bench.server.until('it is up', () => bench.server.logBytes(assignment.job) > 0);
    const { container } = await bench.server.eventOf(assignment.job, 'job-running');
    execFileSync('docker', ['rm', '-f', container ?? ''], { stdio: 'ignore' });
    const ended = await bench.server.end(assignment.job);
    // Docker kills before it removes: whether the status could still be read is a matter of luck.
    if (ended.reason === 'agent-lost') assert.match(ended.message, /removed by somebody else/);
    else assert.deepEqual([ended.reason, ended.exitStatus], ['exited', 137]);
    assert.equal(bench.server.logOf(assignment.job).toString(), 'up\n');
  });
});

describe('a container that cannot be made', () => {
  const failures: readonly (readonly [string, Partial<WorkSpec>, string, RegExp])[] = [
    [
      'of an image that nobody has',
      { image: 'localhost:1/no/such:image', commands: ['x'] },
      'image-error',
      /localhost:1\/no\/such:image cannot be had.*registry_auth/,
    ],
    [
      'of an image with an impossible name',
      { image: 'NOT AN IMAGE', commands: ['x'] },
      'image-error',
      /"NOT AN IMAGE" is not/,
    ],
    [
      'of an image whose name leads elsewhere',
      { image: '../version?x=', commands: ['x'] },
      'image-error',
      /is not the name of an/,
    ],
    [
      'of an image whose name is a path upwards',
      { image: 'a/../../info', commands: ['x'] },
      'image-error',
      /is not the name of an/,
    ],
    ['with a NUL in a command', { commands: ['true', 'echo a\0b'] }, 'setup-error', /^Command 2 holds a NUL/],
    [
      'with a shell that the image lacks',
      { shell: 'bash', commands: ['x'] },
      'setup-error',
      /cannot execute "bash".*`shell:`/,
    ],
    ['without anything to run', {}, 'setup-error', /o command specified/],
    [
      'as a user whom the image lacks',
      { user: 'nobody-here', commands: ['x'] },
      'setup-error',
      /no user "nobody-here"/,
    ],
  ];
  for (const [what, work, reason, message] of failures) {
    inContainer(`${what} says what to do`, async () => {
      const ended = await bench.server.run(job(work));
      assert.equal(ended.reason, reason, ended.message);
      assert.match(ended.message, message);
    });
  }

  inContainer('because its port is taken says so', async () => {
    const ports = [{ container: 80, local: 18_473 }];
    const first = job({ ports, commands: ['echo up; sleep 60'], stopDurationMs: 0 }, { network: 'bridge' });
    await bench.server.begin(first);
    const ended = await bench.server.run(job({ ports, commands: ['true'] }, { network: 'bridge' }));
    assert.equal(ended.reason, 'setup-error');
    assert.match(ended.message, /18473|already allocated/);
    await bench.server.link.request('job.stop', { job: first.job, graceMs: 0 });
    await bench.server.end(first.job);
  });
});

describe('artifacts of a container', () => {
  inContainer('are brought without anything inside of it, and what is missing is told', async () => {
    const assignment = job({
      workingDir: '/work',
      artifacts: ['out', 'deep/er/file', 'missing', '../etc/passwd'],
      commands: [
        'mkdir -p out/sub deep/er; echo a > out/sub/a; ln -s /etc/passwd out/link; ln out/sub/a out/hard; echo f > deep/er/file',
        'exit 2',
      ],
    });
    const ended = await bench.server.run(assignment);
    assert.equal(ended.exitStatus, 2);
    assert.notEqual(ended.artifacts, null, JSON.stringify(bench.server.problems(assignment.job)));
    const target = new PassThrough();
    const [archive] = await Promise.all([buffer(target), bench.server.link.readArtifacts(assignment.job, target)]);
    assert.equal(archive.length, ended.artifacts?.bytes);
    const listing = execFileSync('tar', ['-tv', '-f', '-'], { input: gunzipSync(archive), encoding: 'utf8' });
    for (const name of [/ out\/\n/, / out\/sub\/a/, / out\/link -> \/etc\/passwd/, / deep\/er\/file\n/])
      assert.match(listing, name);
    assert.doesNotMatch(listing, / (\.\.\/)?etc\/passwd/);
    const extracted = execFileSync('tar', ['-xO', '-f', '-', 'deep/er/file'], {
      input: gunzipSync(archive),
      encoding: 'utf8',
    });
    assert.equal(extracted, 'f\n');
    const [problem] = bench.server.problems(assignment.job);
    assert.match(problem?.message ?? '', /No artifacts at `missing`: .* outside of the working directory/);
    assert.equal(ended.message, problem?.message);
  });
});

describe("Docker's numbers", () => {
  it('leave out the cache that can be dropped, under either cgroup version', () => {
    const stats = (extra: object) => ({
      cpu_stats: { cpu_usage: { total_usage: 5_000_000 } },
      memory_stats: { usage: 1_000, ...extra },
    });
    assert.deepEqual(usageOf(stats({ stats: { total_inactive_file: 300 } })), { cpuMs: 5, memoryBytes: 700 });
    assert.deepEqual(usageOf(stats({ stats: { inactive_file: 400 } })), { cpuMs: 5, memoryBytes: 600 });
    assert.equal(usageOf({ cpu_stats: {}, memory_stats: {} }), null);
  });
});
