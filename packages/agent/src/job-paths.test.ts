import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CodeRef, WorkSpec } from '@berth/core/job-spec';
import { resolvePath, resolvePaths } from './job-paths.ts';
import { testAssignment } from './testing/assignment.ts';

function work(workingDir: string | null, codePath?: string): WorkSpec {
  const code: CodeRef | null =
    codePath === undefined ? null : { kind: 'tar', blob: 'x' as never, bytes: 1, path: codePath, ifExists: 'error' }; // only the path matters here
  return testAssignment({ workingDir, code }).work;
}

describe('the directories of a job', () => {
  const claims: readonly (readonly [string, WorkSpec, string, string])[] = [
    ['are one by default', work(null), '/base', '/base'],
    ['are one with code at "."', work(null, '.'), '/base', '/base'],
    ['follow an absolute code path', work(null, '/src'), '/src', '/src'],
    ['count a relative working directory from the code', work('train', '/src'), '/src', '/src/train'],
    ['count a relative code path from an absolute working directory', work('/app', 'lib'), '/app/lib', '/app'],
    ['know the home directory', work('~/w', '~'), '/home/app', '/home/app/w'],
    ['may lie above the code', work('..', 'a/b'), '/base/a/b', '/base/a'],
  ];
  for (const [claim, spec, code, working] of claims) {
    it(claim, () => assert.deepEqual(resolvePaths(spec, '/base', '/home/app'), { code, working }));
  }
});

describe('a path', () => {
  it("with another user's ~ is an ordinary name", () => assert.equal(resolvePath('~bob/x', '/b', '/h'), '/b/~bob/x'));
});
