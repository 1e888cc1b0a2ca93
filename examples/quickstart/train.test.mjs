import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createModel, deserialize, emptyGradient, lossAndGradient, meanLoss, sample, train } from './model.mjs';
import { seededRandom } from './random.mjs';
import { baselines, examplesOf, paragraphsOf, split, vocabularyOf } from './text.mjs';

const EXAMPLE = path.dirname(fileURLToPath(import.meta.url));
const text = readFileSync(path.join(EXAMPLE, 'data/us-constitution.txt'), 'utf8');

let folder;
before(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'berth-quickstart-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the script as Berth does, in a folder of its own. */
function run(args, env = {}) {
  const { BERTH_RUN_NAME, BERTH_JOB_ID, ...outside } = process.env; // these tests may themselves be a Berth job
  return spawnSync(process.execPath, [path.join(EXAMPLE, 'train.mjs'), ...args], {
    cwd: folder,
    env: { ...outside, ...env },
    encoding: 'utf8',
  });
}

function artifact(out, name) {
  return readFileSync(path.join(folder, out, name), 'utf8');
}

describe('the model', () => {
  const shape = { context: 3, characters: 7, hidden: 5 };
  const random = seededRandom(11);
  const token = () => Math.floor(random() * shape.characters);
  const examples = {
    context: shape.context,
    count: 12,
    contexts: Uint16Array.from({ length: 12 * shape.context }, token),
    targets: Uint16Array.from({ length: 12 }, token),
  };

  test('its gradient agrees with finite differences in every weight', () => {
    const model = createModel(shape, random, Float64Array);
    const weights = model.weights.flat;
    for (let i = 0; i < weights.length; i++) weights[i] += random() - 0.5; // biases too: none may stay at 0
    const all = [...examples.targets.keys()];
    const gradient = emptyGradient(model);
    lossAndGradient(model, gradient, examples, all);

    const nudge = 1e-6;
    const lossWith = (i, value) => {
      const kept = weights[i];
      weights[i] = value;
      const loss = meanLoss(model, examples);
      weights[i] = kept;
      return loss;
    };
    for (let i = 0; i < weights.length; i++) {
      const slope = (lossWith(i, weights[i] + nudge) - lossWith(i, weights[i] - nudge)) / (2 * nudge);
      assert.ok(Math.abs(slope - gradient.flat[i]) < 1e-7, `weight ${i}: ${gradient.flat[i]}, measured ${slope}`);
    }
  });

  test('starts near an even guess', () => {
    const loss = meanLoss(createModel(shape, seededRandom(1)), examples);
    assert.ok(Math.abs(loss - Math.log(shape.characters)) < 0.05, `loss ${loss}`);
  });

  test('learns a text by heart, and then writes it', () => {
    const paragraphs = ['ships come in at noon and leave at six'];
    const vocabulary = vocabularyOf(paragraphs);
    const whole = examplesOf(paragraphs, vocabulary, 6);
    const model = createModel({ context: 6, characters: vocabulary.length, hidden: 24 }, seededRandom(3));
    train(model, whole, { steps: 300, batch: 32, rate: 0.02 }, seededRandom(4), () => {});
    const written = sample(model, { temperature: 0.1, limit: 100 }, seededRandom(5));
    assert.equal(written.map((one) => vocabulary[one]).join(''), paragraphs[0]);
  });
});

describe('the text', () => {
  test('is parted into paragraphs without its line breaks and headings', () => {
    const paragraphs = paragraphsOf(
      'Section 1\n\nThe Congress shall\nhave power to enforce.\n  \n\nNo State shall be deprived.\n',
    );
    assert.deepEqual(paragraphs, ['The Congress shall have power to enforce.', 'No State shall be deprived.']);
  });

  test('gives one example per character and one for the end, with the nearest character first', () => {
    const examples = examplesOf(['ab', 'b'], ['\n', 'a', 'b'], 2);
    assert.deepEqual([...examples.targets], [1, 2, 0, 2, 0]);
    assert.deepEqual([...examples.contexts], [0, 0, 1, 0, 2, 1, 0, 0, 2, 0]);
  });

  test('keeps every tenth paragraph back, and none of them is learnt from', () => {
    const parts = split(Array.from({ length: 25 }, (_, index) => index));
    assert.deepEqual(parts.validation, [9, 19]);
    assert.equal(parts.training.length, 23);
    assert.ok(parts.validation.every((paragraph) => !parts.training.includes(paragraph)));
  });

  test('has baselines that are better the more they know', () => {
    const paragraphs = paragraphsOf(text);
    const vocabulary = vocabularyOf(paragraphs);
    const parts = split(paragraphs);
    const [training, validation] = [parts.training, parts.validation].map((part) => examplesOf(part, vocabulary, 8));
    const { uniform, characters, pairs } = baselines(training, validation, vocabulary.length);
    assert.equal(uniform, Math.log(vocabulary.length));
    assert.ok(pairs + 0.5 < characters && characters + 0.5 < uniform, `${pairs}, ${characters}, ${uniform}`);
  });
});

describe('train.mjs', () => {
  let first;
  before(() => {
    first = run(['--steps', '300', '--out', 'first'], { BERTH_RUN_NAME: 'quickstart', BERTH_JOB_ID: 'job-7' });
  });

  test('succeeds, saying which run it is when Berth runs it, and only then', () => {
    assert.deepEqual([first.status, first.stderr], [0, '']);
    assert.match(first.stdout, /^Berth run quickstart, job job-7, on /);
    const alone = run(['--steps', '1', '--out', 'alone']);
    assert.equal(alone.status, 0);
    assert.doesNotMatch(alone.stdout, /Berth/);
  });

  test('ends below both count baselines on paragraphs that it never saw', () => {
    const toBeat = [...first.stdout.matchAll(/^(?:to beat)? +(\d\.\d{3}) (?:guessing|knowing)/gm)].map((match) =>
      Number(match[1]),
    );
    const losses = artifact('first', 'losses.csv')
      .trim()
      .split('\n')
      .slice(1)
      .map((row) => Number(row.split(',')[2]));
    assert.equal(toBeat.length, 3);
    assert.ok(Math.abs(losses[0] - toBeat[0]) < 0.05, 'it starts at an even guess');
    assert.ok(losses.at(-1) < Math.min(...toBeat), `${losses.at(-1)} is not below ${toBeat}`);
  });

  test('leaves a model that gives its recorded validation loss when read back, samples, and losses by step', () => {
    assert.deepEqual(readdirSync(path.join(folder, 'first')).sort(), ['losses.csv', 'model.json', 'samples.txt']);
    const { model, facts } = deserialize(artifact('first', 'model.json'));
    const paragraphs = split(paragraphsOf(text)).validation;
    const loss = meanLoss(model, examplesOf(paragraphs, [...facts.vocabulary], model.shape.context));
    assert.deepEqual([loss, facts.seed, facts.steps], [facts.validationLoss, 1, 300]);
    assert.ok(artifact('first', 'samples.txt').length > 200);
    assert.match(
      artifact('first', 'losses.csv'),
      /^step,training_loss,validation_loss\n0,,\d\.\d{4}\n25,\d\.\d{4},\d\.\d{4}\n/,
    );
  });

  test('gives the same files for the same seed, and another model for another', () => {
    assert.equal(run(['--steps', '300', '--out', 'again']).status, 0);
    for (const name of readdirSync(path.join(folder, 'first'))) {
      assert.equal(artifact('again', name), artifact('first', name), name);
    }
    assert.equal(run(['--steps', '1', '--seed', '1', '--out', 'one']).status, 0);
    assert.equal(run(['--steps', '1', '--seed', '2', '--out', 'two']).status, 0);
    const beforeLearning = (out) => artifact(out, 'losses.csv').split('\n')[1];
    assert.notEqual(beforeLearning('one'), beforeLearning('two'), 'the first weights are from the seed, too');
    assert.notEqual(artifact('one', 'model.json'), artifact('two', 'model.json'));
  });

  test('a model file that was damaged is refused', () => {
    const stored = JSON.parse(artifact('first', 'model.json'));
    const cut = JSON.stringify({ ...stored, weights: stored.weights.slice(0, -8) });
    assert.throws(() => deserialize(cut), /weights are \d+ bytes where its shape needs \d+/);
    assert.throws(() => deserialize('{"format":"other"}'), /its format is other/);
  });

  const mistakes = [
    [
      'a missing text',
      ['--text', 'nowhere.txt'],
      1,
      /Cannot read the text nowhere\.txt: there is no such file\..* --text/,
    ],
    ['a folder for a text', ['--text', '.'], 1, /Cannot read the text \.: illegal operation on a directory\./],
    ['a text that is not UTF-8', ['--text', 'binary'], 1, /Cannot read the text binary: .*not valid/],
    ['a text that is too short', ['--text', 'short'], 1, /short is too short to learn from: .*ten paragraphs/],
    ['a folder that cannot be made', ['--steps', '1', '--out', 'short'], 1, /Cannot write into short: .*--out/],
    ['steps that are no number', ['--steps', 'many'], 2, /--steps takes a whole number from 1 to \d+, not "many"/],
    ['an unknown option', ['--speed', '9'], 2, /--speed/],
  ];
  for (const [what, args, status, message] of mistakes) {
    test(`${what} ends it with exit code ${status}, a plain line, and no artifact`, () => {
      writeFileSync(path.join(folder, 'short'), 'Only one paragraph, and that is not enough.');
      writeFileSync(path.join(folder, 'binary'), Buffer.from([0x61, 0xff, 0xfe]));
      const result = run(args);
      assert.equal(result.status, status);
      assert.match(result.stderr, message);
      assert.match(result.stderr, /^train\.mjs: .+\n$/); // one line: no stack
      assert.ok(!readdirSync(folder).includes('out'));
    });
  }
});
