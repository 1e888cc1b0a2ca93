import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { jobArgv } from './script.ts';
import { testAssignment } from './testing/assignment.ts';

function run(shell: string, commands: readonly string[]): { status: number | null; output: string } {
  const [command = '', ...args] = jobArgv(testAssignment({ shell, commands }).work) ?? [];
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  assert.equal(stderr, '', 'both outputs share one pipe');
  return { status, output: stdout };
}

for (const shell of ['sh', 'bash', '/bin/dash']) {
  describe(`commands in ${shell}`, () => {
    const claims: readonly (readonly [string, readonly string[], number, string])[] = [
      ['run one after another', ['echo a', 'echo b'], 0, 'a\nb\n'],
      ["stop at the first failure, whose status is the job's", ['echo a', '(exit 7)', 'echo b'], 7, 'a\n'],
      ['share directory and variables', ['cd /usr', 'export X=1', 'pwd; echo $X'], 0, '/usr\n1\n'],
      ['may be many lines, of which only the last decides', ['false\necho a', 'echo b'], 0, 'a\nb\n'],
      ['honour a `set -e` within many lines', ['set -e\nfalse\necho a', 'echo b'], 1, ''],
      ['may end in a here-document', ['cat <<EOF\nhi $((1+1))\nEOF', 'echo b'], 0, 'hi 2\nb\n'],
      ['may end in a comment, or be nothing else', ['echo a # first', '# nothing', '', 'echo b'], 0, 'a\nb\n'],
      ['may end in a backslash', ['echo a \\', 'echo b'], 0, 'a\nb\n'],
      ['may exit', ['exit 4', 'echo b'], 4, ''],
      ['may begin something in the background', ['true &', 'wait', 'echo b'], 0, 'b\n'],
      ['may be a list that fails in its middle and goes on', ['false || true', 'echo b'], 0, 'b\n'],
      ['keep the order of both outputs', ['echo 1; echo 2 >&2; echo 3; echo 4 >&2'], 0, '1\n2\n3\n4\n'],
      ['that do not exist end with 127', ['no-such-command-here 2>/dev/null', 'echo b'], 127, ''],
    ];
    for (const [claim, commands, status, output] of claims) {
      it(claim, () => assert.deepEqual(run(shell, commands), { status, output }));
    }
  });
}

describe('the words to execute', () => {
  const argv = (work: Parameters<typeof testAssignment>[0]): readonly string[] | null =>
    jobArgv(testAssignment(work).work);

  it("are the image's own without commands and entrypoint", () => assert.equal(argv({}), null));
  it('are the entrypoint without commands', () => assert.deepEqual(argv({ entrypoint: ['a', 'b'] }), ['a', 'b']));
  it('are the entrypoint and one last word of commands with both', () =>
    assert.deepEqual(argv({ entrypoint: ['python', '-c'], commands: ['x', 'y'] })?.slice(0, 2), ['python', '-c']));
  it('join commands for an entrypoint that is no shell', () =>
    assert.deepEqual(argv({ entrypoint: ['fish', '-c'], commands: ['x', 'y'] }), ['fish', '-c', 'x && y']));
  it('are a script for an entrypoint that is a shell', () =>
    assert.match(argv({ entrypoint: ['/bin/bash', '-lc'], commands: ['x'] })?.[2] ?? '', /^exec 2>&1\nx/));
});
