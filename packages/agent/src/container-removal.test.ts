import assert from 'node:assert/strict';
import { test } from 'node:test';
import { removeContainer } from './container-execution.ts';
import { type DockerClient, DockerError } from './docker-client.ts';

/** An engine that answers each request with the next of these; undefined: done. */
function engine(answers: (DockerError | undefined)[]): { docker: DockerClient; asked: () => number } {
  let asked = 0;
  const json = async (): Promise<null> => {
    const answer = answers[Math.min(asked++, answers.length - 1)];
    if (answer !== undefined) throw answer;
    return null;
  };
  return { docker: { json } as unknown as DockerClient, asked: () => asked }; // only `json` is used here
}

const inProgress = new DockerError(409, 'removal of container berth-x is already in progress');

test('a removal that somebody has begun is waited for, so that the name is free afterwards', async () => {
  const { docker, asked } = engine([inProgress, inProgress, new DockerError(404, 'no such container')]);
  await removeContainer(docker, 'x');
  assert.equal(asked(), 3);
});

test('another conflict is an error, and a container that is not there is none', async () => {
  await assert.rejects(removeContainer(engine([new DockerError(409, 'is paused')]).docker, 'x'), /is paused/);
  await removeContainer(engine([new DockerError(404, 'no such container')]).docker, 'x');
});
