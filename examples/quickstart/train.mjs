/*
 * Trains a small language model on a text, one character at a time, and leaves what it learnt in a folder:
 *
 *   node train.mjs [--steps 1200] [--seed 1] [--text FILE] [--out out]
 *
 * The same seed, steps and text give the same files. No packages are needed; Node 20 or later is.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { arch, hostname, platform } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createModel, deserialize, meanLoss, sample, serialize, train } from './model.mjs';
import { seededRandom } from './random.mjs';
import { baselines, examplesOf, paragraphsOf, split, vocabularyOf } from './text.mjs';

/** Beside this file, so that it is found from any working directory. */
const DEFAULT_TEXT = fileURLToPath(new URL('data/us-constitution.txt', import.meta.url));

/** Chosen by trying: more context or units learn less in the same time on a text this small. */
const CONTEXT = 8;
const HIDDEN = 64;
const BATCH = 64;
const RATE = 0.012;

const REPORTS = 12;
const BAR_WIDTH = 32;
const SAMPLES = { count: 12, shown: 5, temperature: 0.6, limit: 150 };

/** A mistake that the person who started the training can put right; shown as one line, without a stack. */
class Mistake extends Error {
  constructor(message, exitCode) {
    super(message);
    this.exitCode = exitCode;
  }
}

function main(argv, env) {
  const options = optionsFrom(argv);
  if (env.BERTH_RUN_NAME || env.BERTH_JOB_ID) {
    const job = env.BERTH_JOB_ID ? `, job ${env.BERTH_JOB_ID}` : '';
    say(`Berth run ${env.BERTH_RUN_NAME ?? '(unnamed)'}${job}, on ${hostname()} (${platform()} ${arch()})\n`);
  }

  const text = readText(options.text);
  const paragraphs = paragraphsOf(text);
  const vocabulary = vocabularyOf(paragraphs);
  const parts = split(paragraphs);
  if (parts.validation.length === 0) {
    throw new Mistake(
      `${options.text} is too short to learn from: give at least ten paragraphs, parted by blank lines.`,
      1,
    );
  }
  makeFolder(options.out); // before the work, so that a folder that cannot be written costs none
  const training = examplesOf(parts.training, vocabulary, CONTEXT);
  const validation = examplesOf(parts.validation, vocabulary, CONTEXT);
  const baseline = baselines(training, validation, vocabulary.length);

  const shape = { context: CONTEXT, characters: vocabulary.length, hidden: HIDDEN };
  const model = createModel(shape, seededRandom(options.seed));
  const weights = model.weights.flat.length;
  say(
    `text        ${path.basename(options.text)}: ${count(text.length)} characters, ${vocabulary.length} different ones`,
  );
  say(`training    ${count(training.count)} characters in ${count(parts.training.length)} paragraphs`);
  say(`validation  ${count(validation.count)} characters in ${count(parts.validation.length)} other paragraphs`);
  say(`model       ${CONTEXT} characters -> ${HIDDEN} hidden units -> the next character: ${count(weights)} weights`);
  say(`to beat     ${inNats(baseline.uniform)} guessing evenly (ln ${vocabulary.length})`);
  say(`            ${inNats(baseline.characters)} knowing how often each character occurs`);
  say(`            ${inNats(baseline.pairs)} knowing how often it follows the one before\n`);

  const losses = learn(model, { training, validation, uniform: baseline.uniform }, options);
  const loss = losses.at(-1).validation;
  const gain = Math.round(100 * (1 - loss / baseline.pairs));
  const verdict = gain > 0 ? `${gain}% below the pairs` : 'not yet below the pairs: give it more --steps';
  say(`\nvalidation loss ${inNats(loss)}: as unsure as ${Math.exp(loss).toFixed(1)} equal choices; ${verdict}`);

  const samples = samplesFrom(model, vocabulary, options.seed);
  say(`\nIt now writes:`);
  for (const line of samples.slice(0, SAMPLES.shown)) say(`  ${line}`);

  const facts = { seed: options.seed, steps: options.steps, validationLoss: loss, vocabulary: vocabulary.join('') };
  writeArtifacts(options.out, {
    'model.json': serialize(model, facts),
    'samples.txt': `${samples.join('\n\n')}\n`,
    'losses.csv': csvOf(losses),
  });
  verify(path.join(options.out, 'model.json'), validation, loss);
  say(`\nwrote ${options.out}: model.json, samples.txt, losses.csv (the model was read back: same validation loss)`);
}

function optionsFrom(argv) {
  try {
    const { values } = parseArgs({
      args: argv,
      options: {
        seed: { type: 'string', default: '1' },
        steps: { type: 'string', default: '1200' },
        text: { type: 'string', default: DEFAULT_TEXT },
        out: { type: 'string', default: 'out' },
      },
    });
    return { ...values, seed: wholeNumber('--seed', values.seed, 0), steps: wholeNumber('--steps', values.steps, 1) };
  } catch (error) {
    throw error instanceof Mistake ? error : new Mistake(error.message, 2);
  }
}

function wholeNumber(name, text, least) {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= least && number < 2 ** 32) return number;
  throw new Mistake(`${name} takes a whole number from ${least} to ${2 ** 32 - 1}, not "${text}".`, 2);
}

function readText(file) {
  const advice = 'The text ships with this example under data/; --text FILE takes another one.';
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    const reason = error.code === 'ENOENT' ? 'there is no such file' : reasonOf(error);
    throw new Mistake(`Cannot read the text ${file}: ${reason}. ${advice}`, 1);
  }
}

/** Trains; each report prints a line and keeps a row: step, mean training loss since the last one, validation loss. */
function learn(model, { training, validation, uniform }, { steps, seed }) {
  const rows = [];
  const every = Math.max(1, Math.floor(steps / REPORTS));
  let sum = 0;
  let batches = 0;
  const report = (step) => {
    const row = { step, training: batches > 0 ? sum / batches : null, validation: meanLoss(model, validation) };
    rows.push(row);
    sum = 0;
    batches = 0;
    const shown = row.training === null ? '     ' : inNats(row.training);
    const bar = '█'.repeat(Math.min(BAR_WIDTH, Math.round((BAR_WIDTH * row.validation) / uniform)));
    say(`${count(step).padStart(6)}  ${shown}  ${inNats(row.validation)}  ${bar}`);
  };

  say('  step  train  valid  (loss in nats per character)');
  report(0);
  const startedAt = performance.now();
  train(model, training, { steps, batch: BATCH, rate: RATE }, seededRandom(seed + 1), (step, loss) => {
    sum += loss;
    batches += 1;
    if (step % every === 0 || step === steps) report(step);
  });
  say(`trained in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  return rows;
}

function samplesFrom(model, vocabulary, seed) {
  const random = seededRandom(seed + 2);
  return Array.from({ length: SAMPLES.count }, () => {
    const tokens = sample(model, SAMPLES, random);
    return tokens.map((token) => vocabulary[token]).join('') + (tokens.length === SAMPLES.limit ? ' …' : '');
  });
}

function csvOf(rows) {
  const lines = rows.map((row) => `${row.step},${row.training?.toFixed(4) ?? ''},${row.validation.toFixed(4)}`);
  return `${['step,training_loss,validation_loss', ...lines].join('\n')}\n`;
}

function makeFolder(directory) {
  writing(directory, () => mkdirSync(directory, { recursive: true }));
}

function writeArtifacts(directory, contents) {
  writing(directory, () => {
    for (const [name, content] of Object.entries(contents)) writeFileSync(path.join(directory, name), content);
  });
}

function writing(directory, action) {
  try {
    action();
  } catch (error) {
    throw new Mistake(`Cannot write into ${directory}: ${reasonOf(error)}. --out takes another folder.`, 1);
  }
}

/** A model that cannot be used again is no result: reads it back and asks it for the same validation loss. */
function verify(file, validation, expected) {
  const loss = meanLoss(deserialize(readFileSync(file, 'utf8')).model, validation);
  if (loss !== expected)
    throw new Mistake(`${file} gives a validation loss of ${loss}, not ${expected}, when read back.`, 1);
}

/** What the system said, without its code, call and path, which the sentence around it tells better. */
function reasonOf(error) {
  return error.message.replace(/^[A-Z]+: /, '').replace(/, \w+( '.*')?$/, '');
}

function inNats(loss) {
  return loss.toFixed(3);
}

function count(number) {
  return number.toLocaleString('en');
}

function say(line) {
  process.stdout.write(`${line}\n`);
}

try {
  main(process.argv.slice(2), process.env);
} catch (error) {
  if (!(error instanceof Mistake)) throw error;
  process.stderr.write(`train.mjs: ${error.message}\n`);
  process.exitCode = error.exitCode;
}
