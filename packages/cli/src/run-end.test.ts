import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatEnd } from './run-end.ts';
import { doneRun, jobView, runView } from './testing/views.ts';

const failed = (message: string, job: Parameters<typeof jobView>[0]) =>
  formatEnd(
    runView({
      status: 'failed',
      end_reason: 'job-failed',
      message,
      exit_status: job?.exit_status ?? null,
      finished_at: 5_200,
      jobs: [jobView({ status: 'failed', ...job })],
    }),
  );

test('bug: the reason of an end was said twice', () => {
  assert.equal(
    failed('Node 0 exited with status 3.', { end_reason: 'exited', exit_status: 3 }),
    '✗ my-run failed: exit status 3, 3.2 s, $0.02',
  );
  assert.equal(
    failed('Node 0: setup-error: no bash here.', { end_reason: 'setup-error' }),
    '✗ my-run failed: 3.2 s, $0.02\n  Node 0: setup-error: no bash here.',
  );
});

test('what only the second line says is kept', () => {
  assert.equal(
    failed('Node 0 was ended because its max_duration was over.', { end_reason: 'max-duration' }),
    '✗ my-run failed: max-duration, 3.2 s, $0.02\n  Node 0 was ended because its max_duration was over.',
  );
  assert.equal(
    failed('Node 0 exited with status 1.', {
      end_reason: 'exited',
      exit_status: 1,
      message: 'No `out` to bring back.',
    }),
    '✗ my-run failed: exit status 1, 3.2 s, $0.02\n  No `out` to bring back.',
  );
  assert.equal(formatEnd(doneRun()), '✓ my-run done: exit status 0, 3.2 s, $0.02');
});
