import type { OrphanView, SweepView } from '@berth/core/api-schemas';
import { defineCommand, withJson } from '../command.ts';
import { age, duration, plural } from '../output/format.ts';
import { printJson } from '../output/json.ts';
import { printableLine } from '../output/printable.ts';
import { styled } from '../output/style.ts';
import { print } from '../output/write.ts';

interface Options {
  readonly dryRun?: true;
  readonly json?: true;
}

export default defineCommand<Options>({
  define: (parser) => withJson(parser.option('--dry-run', 'only say what is found; nothing is changed')),
  examples: ['berth sweep --dry-run', 'berth sweep'],
  async run(context, options) {
    const client = await context.client();
    const view = await client.call('instance.sweep', { body: { dry_run: options.dryRun === true } });
    if (options.json === true) printJson(view);
    else print(formatSweep(view, Date.now()));
    return view.backends.every(({ status }) => status === 'swept') ? 0 : 1;
  },
});

function formatSweep(view: SweepView, now: number): string {
  if (view.backends.length === 0) return 'There is no backend to ask.\n';
  const lines = view.backends.flatMap((backend) => {
    const name = styled('bold', printableLine(backend.backend));
    if (backend.status !== 'swept') {
      return [`${name}: ${styled('red', `could not be asked: ${printableLine(backend.message ?? '')}`)}`];
    }
    const found = [
      ...backend.orphans.map((orphan) => `  ${styled('yellow', 'on no book')}  ${describeOrphan(orphan, view, now)}`),
      ...backend.gone.map(
        ({ name }) => `  ${styled('red', 'gone')}  ${printableLine(name)}: the cloud does not have it`,
      ),
      ...backend.adopted.map(
        ({ name }) => `  ${styled('green', 'found')}  ${printableLine(name)}: made by a call whose answer was lost`,
      ),
    ];
    const well = found.length === 0 ? ', all of them on the books' : '';
    return [`${name}: ${plural(backend.machines, 'machine')}${backend.machines === 0 ? '' : well}`, ...found];
  });
  const end = view.dry_run ? [styled('gray', 'Nothing was changed.')] : [];
  return `${[...lines, ...end].join('\n')}\n`;
}

function describeOrphan(orphan: OrphanView, { dry_run: dryRun }: SweepView, now: number): string {
  const what = printableLine(`${orphan.name ?? orphan.cloud_id} in ${orphan.region}`);
  const seen = `first seen ${age(orphan.first_seen_at, now)}`;
  const error = orphan.error === null ? '' : ` (${printableLine(orphan.error)})`;
  const when =
    orphan.terminates_at === null || orphan.terminates_at <= now ? 'now' : `in ${duration(orphan.terminates_at - now)}`;
  switch (orphan.status) {
    case 'watched':
      return `${what}, ${seen}; terminated ${when}`;
    case 'reported':
      return `${what}, ${seen}; not provably ours, so it is left alone: end it yourself if it is`;
    case 'terminating':
      return `${what}, ${seen}; ${dryRun && orphan.attempts === 0 ? 'would be terminated' : `terminated ${when}, tried ${plural(orphan.attempts, 'time')}`}${error}`;
    case 'gone':
      return `${what}, ${seen}; gone`;
  }
}
