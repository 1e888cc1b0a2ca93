/** docs/add-a-cloud.md, done as it says: each file written and each command run in order, in a clone with an empty BERTH_HOME. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { cloneInto } from './clone.ts';

const ROOT = join(import.meta.dirname, '..');
const GUIDE = readFileSync(join(ROOT, 'docs', 'add-a-cloud.md'), 'utf8');
const FOLDER = join('backends', 'fluffycloud');

interface Block {
  /** `sh`, `ts`, `text` …, with what follows on the line. */
  readonly info: string;
  readonly text: string;
  /** From the line before: a file that the block is the whole of. */
  readonly file: string | null;
}

const blocks = [...GUIDE.matchAll(/(?:^`([^`\n]+)`\n\n)?^```(\S+(?: \S+)*)\n(.*?)^```$/gms)].map(
  ([, file = null, info = '', text = '']): Block => ({ file, info, text }),
);

const base = mkdtempSync(join(tmpdir(), 'bg-'));
const clone = join(base, 'berth');
const env: NodeJS.ProcessEnv = { ...process.env, BERTH_HOME: join(base, 'home'), TMPDIR: base, NO_COLOR: '1' };
for (const name of ['BERTH_SERVER_URL', 'BERTH_TOKEN', 'BERTH_PROJECT']) delete env[name];

after(async () => {
  const main = join(clone, 'packages', 'cli', 'src', 'main.ts');
  if (existsSync(main)) spawnSync(process.execPath, [main, 'server', 'stop'], { env });
  // Where a step failed, the cloud and its machines are still there.
  for (const name of readdirSync(base)) {
    const started = join(base, name, 'started.json');
    if (!existsSync(started)) continue;
    const { url, admin_token: token } = JSON.parse(readFileSync(started, 'utf8') || '{}');
    const headers = { authorization: `Bearer ${token}` };
    await fetch(`${url}/admin`, { method: 'DELETE', headers }).catch(() => undefined);
  }
  rmSync(base, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
});

/** What each block of commands printed, and how often one of them failed. */
interface Done {
  readonly said: string;
  readonly failures: number;
}

const MARK = '@@berth-guide';

/** One shell for all, as a reader has it: what one block sets is there in the next. */
async function follow(): Promise<ReadonlyMap<Block, Done>> {
  const script = [`cd ${clone}`, `trap 'echo "${MARK} failed"' ERR`];
  const run: Block[] = [];
  for (const [index, block] of blocks.entries()) {
    if (block.file !== null) {
      const whole = join(base, `block-${index}`);
      writeFileSync(whole, block.text);
      script.push(`mkdir -p ${dirname(block.file)} && cp ${whole} ${block.file}`);
    } else if (/^sh\b/.test(block.info)) {
      script.push(`echo "${MARK} block"`, block.text);
      run.push(block);
    }
  }
  const child = spawn('bash', ['-c', script.join('\n')], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  await new Promise((resolve) => child.on('close', resolve));
  const [, ...parts] = said.split(`${MARK} block\n`);
  assert.equal(parts.length, run.length, said.slice(-4000));
  const done = parts.map((part): Done => {
    const pieces = part.split(`${MARK} failed\n`);
    return { said: pieces.join(''), failures: pieces.length - 1 };
  });
  return new Map(run.map((block, index) => [block, done[index] ?? { said: '', failures: 0 }]));
}

/** `#` stands for what differs from run to run. */
function shown(line: string): RegExp {
  const parts = line
    .trim()
    .split(/(#|\s+)/)
    .filter((part) => part !== '');
  const pattern = parts.map((part) =>
    part === '#' ? '.*' : part.trim() === '' ? '\\s+' : part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'),
  );
  return new RegExp(pattern.join(''));
}

test('a reader who does what the guide says ends up with this folder, a job that ran, and nothing billed', async () => {
  cloneInto(clone);
  mkdirSync(join(base, 'home'), { mode: 0o700 });
  const done = await follow();
  let last: Done | null = null;
  for (const block of blocks) {
    const result = done.get(block);
    if (result !== undefined) {
      const allowed = Number(/exits=(\d)/.exec(block.info)?.[1] ?? 0);
      assert.equal(result.failures, allowed, `${block.text}\n${result.said}`);
      last = result;
    } else if (block.info === 'text') {
      assert.ok(last !== null);
      for (const line of block.text.trimEnd().split('\n')) assert.match(last.said, shown(line));
    }
  }
  const status = [...done].find(([{ text }]) => text.startsWith('git status'));
  assert.equal(status?.[1].said, '', 'the guide and the folder differ');
  const ended = [...done.values()].at(-1);
  assert.match(ended?.said ?? '', /^\{\}/m, 'the cloud is ended');
});

test('each file of the folder is in the guide, as it is', () => {
  const shownFiles = new Map(blocks.flatMap(({ file, text }) => (file?.startsWith(FOLDER) ? [[file, text]] : [])));
  const real = readdirSync(join(ROOT, FOLDER), { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  const names = real.map((one) => join(one.parentPath, one.name).slice(ROOT.length + 1));
  const written = new Set(['src/conformance.test.ts'].map((name) => join(FOLDER, name))); // the scaffold's, unchanged
  assert.deepEqual([...shownFiles.keys()].sort(), names.filter((name) => !written.has(name)).sort());
  for (const [file, text] of shownFiles) assert.equal(text, readFileSync(join(ROOT, file), 'utf8'), file);
});

test('it names every facet, every code and every way to start an agent', async () => {
  const { FACETS, AGENT_STARTS, BACKEND_ERROR_CODES } = await import('@berth/backend');
  for (const word of [...FACETS, ...AGENT_STARTS, ...BACKEND_ERROR_CODES])
    assert.ok(GUIDE.includes(`\`${word}\``), word);
});
