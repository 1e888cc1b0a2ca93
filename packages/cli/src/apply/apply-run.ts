import { type Blob, uploadBlobs } from '@berth/client/blobs';
import type { Client } from '@berth/client/client';
import { openSpool } from '@berth/client/code/spool';
import { watch } from '@berth/client/follow';
import { formatBytes } from '@berth/client/format-bytes';
import type { RunPlanView, RunView } from '@berth/core/api-schemas';
import type { CheckedTask } from '@berth/core/configuration';
import { BerthError } from '@berth/core/errors';
import { EXIT_FAILURE } from '../output/error.ts';
import { statusLine } from '../output/status-line.ts';
import { styledError } from '../output/style.ts';
import { say } from '../output/write.ts';
import { detached, seeToEnd } from '../see-to-end.ts';
import type { ApplyParts } from './apply.ts';
import { collectCode } from './collect-code.ts';
import { formatRunPlan } from './plan-view.ts';
import { showPlan } from './show-plan.ts';

const SHOWN_OFFERS = 5;

/** Plans, asks, sends what the server does not have yet, submits, and follows the run to its end. */
export async function applyRun(task: CheckedTask, parts: ApplyParts): Promise<number> {
  const { context, options, source, interrupts, agree } = parts;
  const { signal } = interrupts;
  const progress = statusLine(process.stderr);
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => progress.clear());
  const spool = await openSpool(context.home.cache);
  cleanup.defer(() => spool.dispose());

  progress.show('packing the code');
  // The server may have to be started, which takes as long as packing.
  const [client, packed] = await Promise.all([
    context.client(),
    collectCode(task, { cwd: context.cwd, source, spool, repo: options.repo, signal }),
  ]);
  progress.show('planning');
  const submission = { configuration: task.source, code: packed.code, files: [...packed.files] };
  const plan = await client.call('run.plan', { body: submission, signal });
  progress.clear();
  const { project } = await context.target();
  const stream = options.dryRun === true ? process.stdout : process.stderr;
  const about = {
    file: source.file,
    project,
    code: packed.about,
    maxOffers: options.maxOffers ?? SHOWN_OFFERS,
    stream,
  };
  if (options.dryRun === true) showPlan(plan, options, () => formatRunPlan(plan, about));
  else say(`${formatRunPlan(plan, about)}\n\n`);
  for (const warning of packed.warnings) say(`${styledError('yellow', 'warning:')} ${warning}\n`);

  if (options.dryRun === true) return 0;
  if (!(await agree(question(plan, parts)))) {
    say('Nothing was changed.\n');
    return EXIT_FAILURE;
  }
  signal.throwIfAborted();
  await upload(client, packed.blobs, signal, progress);
  const base = plan.current === null ? null : await makeWay(client, plan.current, parts, progress);
  signal.throwIfAborted();
  // From here on Ctrl-C no longer undoes: the answer is awaited, so that we can say which run it is.
  const run = await client.call('run.apply', {
    // A name that the plan made up is the one that was shown.
    body: { ...submission, configuration: { ...task.source, name: plan.name }, base },
  });
  progress.clear();
  if (options.detach === true) return detached(run);
  return seeToEnd(client, run, { cwd: context.cwd, signal });
}

function question(plan: RunPlanView, { options }: ApplyParts): string {
  if (plan.current === null) return `Submit ${plan.name}?`;
  const { status } = plan.current;
  if (options.force !== true && (options.yes === true || !process.stdin.isTTY)) {
    throw new BerthError('conflict', `the run ${plan.name} is ${status} already`, {
      hint: `stop it first (\`berth stop ${plan.name}\`), replace it with \`--force\`, or choose another name with \`-n\``,
      details: { run: plan.current.id, status },
    });
  }
  return `${plan.name} is ${status} already. Stop it and submit it anew?`;
}

/** Ends the live run of that name, which the person agreed to. The new one is based on there being none. */
async function makeWay(
  client: Client,
  current: RunView,
  { interrupts }: ApplyParts,
  progress: ReturnType<typeof statusLine>,
): Promise<null> {
  const { signal } = interrupts;
  await client.call('run.stop', { params: { run: current.id }, body: {}, signal });
  progress.show(`stopping ${current.name}`);
  for await (const _view of watch(client, current.id, { signal }));
  progress.clear();
  return null;
}

async function upload(
  client: Client,
  blobs: readonly Blob[],
  signal: AbortSignal,
  progress: ReturnType<typeof statusLine>,
): Promise<void> {
  await uploadBlobs(client, blobs, {
    signal,
    onProgress: (sent, total) => progress.show(`sending code: ${formatBytes(sent)} of ${formatBytes(total)}`),
  });
  progress.clear();
}
