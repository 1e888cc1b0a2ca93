import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { JobId } from '@berth/core/ids';
import { testAssignment } from './testing/assignment.ts';
import { useBench } from './testing/test-suite.ts';

const bench = useBench({ env: { BERTH_TEST_LEAK: 'leaked', LC_BERTH: 'kept' } });

async function output(assignment: ReturnType<typeof testAssignment>): Promise<string> {
  const ended = await bench.server.run(assignment);
  assert.deepEqual([ended.reason, ended.message], ['exited', '']);
  return bench.server.logOf(assignment.job).toString();
}

/** Names and contents of an archive of artifacts, as GNU tar sees it. */
async function artifactsOf(job: JobId): Promise<string> {
  const target = new PassThrough();
  const [archive] = await Promise.all([buffer(target), bench.server.link.readArtifacts(job, target)]);
  return execFileSync('tar', ['-tv', '-f', '-'], { input: gunzipSync(archive), encoding: 'utf8' });
}

describe('the environment of a process', () => {
  it('is what the contract says, and nothing of the agent', async () => {
    const assignment = testAssignment(
      { commands: ['env'], env: { MINE: 'a b\nc', DSTACK_RUN_NAME: 'mine' } },
      { env: { DSTACK_RUN_NAME: 'brave-otter', BERTH_RUN_NAME: 'brave-otter' } },
    );
    const cluster = { rank: 1, ips: ['10.0.0.1', '10.0.0.2'], gpusPerNode: [0, 0] };
    await bench.server.run(assignment, cluster);
    const env = bench.server.logOf(assignment.job).toString();
    const work = join(bench.agent.dir, 'jobs', assignment.job, 'work');
    for (const line of [
      'DSTACK_RUN_NAME=brave-otter',
      'BERTH_RUN_NAME=brave-otter',
      'MINE=a b\nc',
      'DSTACK_NODE_RANK=1',
      'BERTH_NODES_IPS=10.0.0.1\n10.0.0.2',
      'BERTH_MASTER_NODE_IP=10.0.0.1',
      `DSTACK_WORKING_DIR=${work}`,
      `BERTH_REPO_DIR=${work}`,
      `PWD=${work}`,
      'LC_BERTH=kept',
    ]) {
      assert.ok(env.includes(`${line}\n`), line);
    }
    assert.doesNotMatch(env, /LEAK|SECRET|npm_|NODE_OPTIONS/);
    const path = /^PATH=(.*)$/m.exec(env)?.[1] ?? '';
    assert.ok(path.split(':').length > 1, 'node is found even where the machine has none');
  });

  it('names a host file for MPI that can be read', async () => {
    const assignment = testAssignment({ commands: ['cat "$DSTACK_MPI_HOSTFILE"'] });
    await bench.server.run(assignment, { rank: 0, ips: ['10.0.0.1', '10.0.0.2'], gpusPerNode: [2, 2] });
    assert.equal(bench.server.logOf(assignment.job).toString(), '10.0.0.1 slots=2\n10.0.0.2 slots=2\n');
  });

  it('finds Node', async () => assert.match(await output(testAssignment({ commands: ['node -p 1+1'] })), /^2\n$/));
});

describe('code and files of a process', () => {
  it('are in its own directory, and a relative working directory counts from the code', async () => {
    const blob = await bench.send([
      { path: 'train/', type: 'directory', mode: 0o755 },
      { path: 'train/main.sh', content: 'echo trained; cat ../conf/x\n', mode: 0o755 },
    ]);
    const file = await bench.sendFile('../conf/x', 'configured\n');
    const assignment = testAssignment({
      code: { kind: 'tar', blob, bytes: 1, path: '.', ifExists: 'error' },
      files: [file],
      workingDir: 'train',
      commands: ['sh main.sh'],
    });
    assert.equal(await output(assignment), 'trained\nconfigured\n');
  });

  it('may come from a git repository', async () => {
    const repository = join(bench.agent.root, 'repo');
    await mkdir(repository);
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], {
        cwd: repository,
        encoding: 'utf8',
      });
    git('init', '-q', '-b', 'main');
    await writeFile(join(repository, 'a'), 'committed\n');
    git('add', '.');
    git('commit', '-q', '-m', 'm');
    const assignment = testAssignment({
      code: {
        kind: 'git',
        remote: repository,
        branch: 'main',
        commit: git('rev-parse', 'HEAD').trim(),
        diff: null,
        path: 'repo',
        ifExists: 'error',
      },
      commands: ['cat a; git status --short; basename "$DSTACK_REPO_DIR"'],
    });
    assert.equal(await output(assignment), 'committed\nrepo\n');
  });

  it('that lead outside of their archive end the job', async () => {
    const blob = await bench.send([{ path: '../x', content: 'escaped' }]);
    const assignment = testAssignment({
      code: { kind: 'tar', blob, bytes: 1, path: '.', ifExists: 'error' },
      commands: ['true'],
    });
    const ended = await bench.server.run(assignment);
    assert.deepEqual([ended.reason, ended.startedAt], ['setup-error', null]);
    assert.match(ended.message, /refused/);
    await assert.rejects(stat(join(bench.agent.dir, 'jobs', assignment.job, 'x')));
  });

  it('change nothing outside of its directory that was there before', async () => {
    const target = join(bench.agent.root, 'precious');
    await writeFile(target, 'mine');
    const ended = await bench.server.run(
      testAssignment({ files: [await bench.sendFile(target, 'theirs')], commands: ['true'] }),
    );
    assert.equal(ended.reason, 'setup-error');
    assert.match(ended.message, /exists on this machine with another content/);
    assert.equal(await readFile(target, 'utf8'), 'mine');
    const same = testAssignment({ files: [await bench.sendFile(target, 'mine')], commands: [`cat ${target}`] });
    assert.equal(await output(same), 'mine');
  });

  it('go into no directory of the user that is not empty', async () => {
    const dir = join(bench.agent.root, 'occupied');
    await mkdir(dir);
    await writeFile(join(dir, 'x'), '');
    const blob = await bench.send([{ path: 'y', content: '' }]);
    const code = { kind: 'tar', blob, bytes: 1, path: dir, ifExists: 'error' } as const;
    const ended = await bench.server.run(testAssignment({ code, commands: ['ls'] }));
    assert.match(ended.message, /not empty/);
    assert.equal(await output(testAssignment({ code: { ...code, ifExists: 'skip' }, commands: ['ls'] })), 'x\n');
  });

  it('at an absolute path go with the job, so that the same job can be run again', async () => {
    const dir = join(bench.agent.root, 'deep', 'project');
    const run = async (content: string): Promise<string> => {
      const blob = await bench.send([
        { path: 'src/', type: 'directory', mode: 0o755 },
        { path: 'src/main', content },
      ]);
      const assignment = testAssignment({
        code: { kind: 'tar', blob, bytes: 1, path: '.', ifExists: 'error' },
        files: [await bench.sendFile(join(bench.agent.root, 'deep', 'conf'), content)],
        workingDir: dir,
        commands: ['cat src/main ../conf'],
      });
      const said = await output(assignment);
      await bench.server.link.request('job.remove', { job: assignment.job });
      return said;
    };
    assert.equal(await run('one\n'), 'one\none\n');
    await assert.rejects(stat(join(bench.agent.root, 'deep')), 'the directories that it had to make are gone');
    assert.equal(await run('two\n'), 'two\ntwo\n');
  });

  it('at an absolute path stay as long as another job uses them', async () => {
    const dir = join(bench.agent.root, 'shared-code');
    const conf = join(bench.agent.root, 'shared-conf');
    const blob = await bench.send([{ path: 'main', content: 'main\n' }]);
    const node = async (ifExists: 'error' | 'skip') =>
      testAssignment({
        code: { kind: 'tar', blob, bytes: 1, path: dir, ifExists },
        files: [await bench.sendFile(conf, 'conf\n')],
        commands: [`until [ -e ${bench.agent.root}/go-${ifExists} ]; do sleep 0.05; done; cat main ${conf}`],
      });
    const [first, second] = [await node('error'), await node('skip')];
    await bench.server.begin(first);
    await bench.server.begin(second);
    for (const [job, name] of [
      [first.job, 'error'],
      [second.job, 'skip'],
    ] as const) {
      await writeFile(join(bench.agent.root, `go-${name}`), '');
      await bench.server.end(job);
      assert.equal(bench.server.logOf(job).toString(), 'main\nconf\n');
      await bench.server.link.request('job.remove', { job });
    }
    for (const path of [dir, conf]) await assert.rejects(stat(path), 'the last one takes them away');
  });

  it('at an absolute path take nothing with them that the job made or that was there before', async () => {
    const dir = join(bench.agent.root, 'kept');
    const same = join(bench.agent.root, 'same');
    await writeFile(same, 'same');
    const run = async (): Promise<string> => {
      const blob = await bench.send([{ path: 'code', content: 'code\n' }]);
      const assignment = testAssignment({
        code: { kind: 'tar', blob, bytes: 1, path: dir, ifExists: 'error' },
        files: [await bench.sendFile(same, 'same')],
        workingDir: dir,
        commands: ['cat code; echo made >> made; cat made'],
      });
      const said = await output(assignment);
      await bench.server.link.request('job.remove', { job: assignment.job });
      return said;
    };
    assert.equal(await run(), 'code\nmade\n');
    assert.deepEqual((await readdir(dir)).sort(), ['.berth-left', 'made']);
    assert.equal(await readFile(same, 'utf8'), 'same');
    assert.equal(await run(), 'code\nmade\nmade\n');
  });

  it('know the home directory', async () => {
    const assignment = testAssignment({ workingDir: '~', commands: ['pwd'] });
    assert.equal(await output(assignment), `${homedir()}\n`);
  });

  it('are gone with the job', async () => {
    const assignment = testAssignment({ commands: ['echo x > y'] });
    await bench.server.run(assignment);
    await bench.server.link.request('job.remove', { job: assignment.job });
    assert.ok(!(await readdir(join(bench.agent.dir, 'jobs'))).includes(assignment.job));
  });
});

describe('another user', () => {
  const isRoot = process.getuid?.() === 0;

  it('runs the job in a place of its own, with its own home', { skip: isRoot ? false : 'needs root' }, async () => {
    const file = await bench.sendFile('f', 'mine\n');
    const blob = await bench.send([{ path: 'c', content: 'code\n' }]);
    const assignment = testAssignment({
      user: 'nobody',
      code: { kind: 'tar', blob, bytes: 1, path: '.', ifExists: 'error' },
      files: [file],
      commands: [
        'id -un; cat c f "$BERTH_MPI_HOSTFILE"; echo more >> f; touch here; echo to-stderr > /dev/stderr',
        'echo $USER',
      ],
    });
    assert.equal(await output(assignment), 'nobody\ncode\nmine\n127.0.0.1 slots=1\nto-stderr\nnobody\n');
    const scratch = join(tmpdir(), `berth-${assignment.job}`);
    assert.equal((await stat(join(scratch, 'work', 'here'))).uid, (await stat(join(scratch, 'work', 'c'))).uid);
    await bench.server.link.request('job.remove', { job: assignment.job });
    await assert.rejects(stat(scratch));
  });

  it('shows neither its work nor its addresses to the other users of the machine', {
    skip: isRoot ? false : 'needs root',
  }, async () => {
    const blob = await bench.send([{ path: 'c', content: 'code\n' }]);
    const code = { kind: 'tar', blob, bytes: 1, path: '.', ifExists: 'error' } as const;
    const assignment = testAssignment({ user: 'nobody', code, commands: ['echo secret > written; ls'] });
    assert.equal(await output(assignment), 'c\nwritten\n');
    const scratch = join(tmpdir(), `berth-${assignment.job}`);
    const mode = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8);
    assert.deepEqual([await mode(scratch), await mode(join(scratch, 'work'))], ['711', '700']);
    assert.equal(await mode(join(scratch, 'hostfile')), '600');
    const asDaemon = (...args: string[]): string =>
      execFileSync(process.execPath, ['-e', args.join(' ')], { uid: 1, gid: 1, encoding: 'utf8', stdio: 'pipe' });
    for (const path of [scratch, join(scratch, 'work')]) {
      assert.throws(() => asDaemon(`fs.readdirSync(${JSON.stringify(path)})`), /EACCES/);
    }
    assert.throws(() => asDaemon(`fs.readFileSync(${JSON.stringify(join(scratch, 'work', 'written'))})`), /EACCES/);
    await bench.server.link.request('job.remove', { job: assignment.job });
  });

  it('gets code from a git repository', { skip: isRoot ? false : 'needs root' }, async () => {
    const repository = join(bench.agent.root, 'repo-of-user');
    await mkdir(repository);
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], {
        cwd: repository,
        encoding: 'utf8',
      });
    git('init', '-q', '-b', 'main');
    await writeFile(join(repository, 'f'), 'from git\n');
    git('add', '.');
    git('commit', '-q', '-m', 'one');
    const commit = git('rev-parse', 'HEAD').trim();
    const remote = `file://${repository}`;
    const code = { kind: 'git', remote, branch: 'main', commit, diff: null, path: '.', ifExists: 'error' } as const;
    const commands = ['cat f; stat -c %U .git f; git log --oneline | wc -l'];
    const assignment = testAssignment({ user: 'nobody', code, commands });
    assert.equal(await output(assignment), 'from git\nnobody\nnobody\n1\n');
    await bench.server.link.request('job.remove', { job: assignment.job });
  });

  it("that is the agent's own changes nothing", async () => {
    const uid = String(process.getuid?.());
    assert.equal(await output(testAssignment({ user: uid, commands: ['id -u'] })), `${uid}\n`);
  });
});

describe('artifacts of a process', () => {
  it('are brought from the working directory, also of a job that failed', async () => {
    const assignment = testAssignment({
      artifacts: ['out', 'model.bin', './notes/'],
      commands: [
        'mkdir -p out/deep notes; echo a > out/deep/a; echo m > model.bin; echo n > notes/n; ln -s /etc out/link',
        'exit 3',
      ],
    });
    const ended = await bench.server.run(assignment);
    assert.equal(ended.exitStatus, 3);
    assert.ok((ended.artifacts?.bytes ?? 0) > 0);
    const listing = await artifactsOf(assignment.job);
    for (const name of ['out/deep/a', 'model.bin', 'notes/n', 'out/link -> /etc'])
      assert.ok(listing.includes(name), listing);
    assert.doesNotMatch(listing, /passwd/);
    assert.deepEqual(bench.server.problems(assignment.job), []);
    assert.equal(ended.message, '');
  });

  it('that are missing or lie outside are told, and the rest is brought', async () => {
    await rm('/tmp/berth-test-outside', { recursive: true, force: true });
    await mkdir('/tmp/berth-test-outside');
    await writeFile('/tmp/berth-test-outside/secret', 'x');
    const assignment = testAssignment({
      artifacts: ['there', 'missing', '../job.json', '/etc/passwd', 'door/secret'],
      commands: ['echo x > there; ln -s /tmp/berth-test-outside door'],
    });
    const ended = await bench.server.run(assignment);
    assert.equal(ended.exitStatus, 0);
    const listing = await artifactsOf(assignment.job);
    assert.match(listing, /there\n$/);
    assert.doesNotMatch(listing, /secret|passwd|job\.json/);
    const [problem] = bench.server.problems(assignment.job);
    assert.equal(problem?.code, 'artifacts');
    assert.match(problem?.message ?? '', /No artifacts at `missing`: there is no such path/);
    assert.match(problem?.message ?? '', /door\/secret leads out/);
    assert.equal(ended.message, problem?.message);
    await rm('/tmp/berth-test-outside', { recursive: true });
  });

  it('are none where none was made, and the result says so', async () => {
    const assignment = testAssignment({ artifacts: ['nothing'], commands: ['true'] });
    const ended = await bench.server.run(assignment);
    assert.equal(ended.artifacts, null);
    assert.equal(ended.exitStatus, 0);
    assert.equal(ended.message, 'No artifacts at `nothing`: there is no such path in the working directory.');
    await assert.rejects(artifactsOf(assignment.job), /no artifacts/);
  });

  it('may be large: they are read in pieces', async () => {
    const assignment = testAssignment({ artifacts: ['big'], commands: ['head -c 3000000 /dev/urandom > big'] });
    const ended = await bench.server.run(assignment);
    assert.ok((ended.artifacts?.bytes ?? 0) > 3_000_000);
    assert.match(await artifactsOf(assignment.job), /3000000 .* big/);
  });
});

describe('a directory that is a link', () => {
  it('as the working directory is followed', async () => {
    const link = join(bench.agent.root, 'link');
    await mkdir(join(bench.agent.root, 'real'));
    await symlink(join(bench.agent.root, 'real'), link);
    const assignment = testAssignment({ workingDir: link, artifacts: ['made'], commands: ['echo x > made'] });
    const ended = await bench.server.run(assignment);
    assert.notEqual(ended.artifacts, null);
  });
});
