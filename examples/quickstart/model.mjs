/*
 * A language model in one hidden layer. Each (place, character) of the context owns a row of the table; the rows of
 * the context's characters are added up, pass a rectifier, and are multiplied out to one score per character:
 *
 *   hidden = max(0, hiddenBias + Σ table[place][character])      score = outputBias + output · hidden
 *
 * It is the usual multi-layer perceptron over one-hot inputs. Looking the rows up instead of multiplying by zeros is
 * what makes it learn in a second or two on one core.
 */
import { normal } from './random.mjs';

/** Names the layout of `model.json`; change it when the layout changes. */
const FORMAT = 'berth-quickstart-1';

/** Small enough to start near the uniform guess, large enough to tell the hidden units apart. */
const INITIAL_DEVIATION = { table: 0.1, output: 0.05 };

/** Adam's decay of the mean and of the mean square; 0.99 forgets faster than the customary 0.999: the run is short. */
const MEAN_DECAY = 0.9;
const SQUARE_DECAY = 0.99;

/** Share of the steps during which the rate rises from 0, before it falls in a straight line to `FINAL_RATE`. */
const WARM_UP = 0.1;
const FINAL_RATE = 0.02;

/** How many numbers a model of this shape (`context`, `characters`, `hidden`: all counts) has. */
function sizeOf({ context, characters, hidden }) {
  return context * characters * hidden + hidden + characters * hidden + characters;
}

/** Names the parts of a flat array of weights or gradients; the parts are views, not copies. */
function partsOf(flat, { context, characters, hidden }) {
  const lengths = {
    table: context * characters * hidden,
    hiddenBias: hidden,
    output: characters * hidden,
    outputBias: characters,
  };
  let start = 0;
  const parts = { flat };
  for (const [name, length] of Object.entries(lengths)) {
    parts[name] = flat.subarray(start, start + length);
    start += length;
  }
  return parts;
}

function modelWith(shape, flat) {
  const Floats = flat.constructor;
  return {
    shape,
    weights: partsOf(flat, shape),
    // Scratch space of one example, so that the inner loops allocate nothing.
    hidden: new Floats(shape.hidden),
    hiddenSlope: new Floats(shape.hidden),
    probabilities: new Floats(shape.characters),
  };
}

/** A model that has learnt nothing yet. `Floats` is `Float64Array` where precision counts for more than speed. */
export function createModel(shape, random, Floats = Float32Array) {
  const model = modelWith(shape, new Floats(sizeOf(shape)));
  for (const [part, deviation] of Object.entries(INITIAL_DEVIATION)) {
    const values = model.weights[part];
    for (let i = 0; i < values.length; i++) values[i] = deviation * normal(random);
  }
  return model;
}

/** Fills `model.probabilities` for the next character; returns the loss of the true one in nats. */
function forward(model, examples, example) {
  const { context, characters, hidden: width } = model.shape;
  const { table, hiddenBias, output, outputBias } = model.weights;
  const { hidden, probabilities } = model;

  hidden.set(hiddenBias);
  for (let place = 0; place < context; place++) {
    const row = (place * characters + examples.contexts[example * context + place]) * width;
    for (let unit = 0; unit < width; unit++) hidden[unit] += table[row + unit];
  }
  for (let unit = 0; unit < width; unit++) if (hidden[unit] < 0) hidden[unit] = 0;

  let highest = Number.NEGATIVE_INFINITY;
  for (let character = 0; character < characters; character++) {
    const row = character * width;
    let score = outputBias[character];
    for (let unit = 0; unit < width; unit++) score += output[row + unit] * hidden[unit];
    probabilities[character] = score;
    if (score > highest) highest = score;
  }
  let total = 0; // of exponentials relative to the highest score, which cannot overflow
  for (let character = 0; character < characters; character++) {
    const value = Math.exp(probabilities[character] - highest);
    probabilities[character] = value;
    total += value;
  }
  for (let character = 0; character < characters; character++) probabilities[character] /= total;
  return -Math.log(Math.max(probabilities[examples.targets[example]], Number.MIN_VALUE));
}

/** Adds `share` of the gradient of the example that `forward` has just seen. */
function backward(model, gradient, examples, example, share) {
  const { context, characters, hidden: width } = model.shape;
  const { output } = model.weights;
  const { table: tableSlope, output: outputSlope } = gradient;
  const { hidden, hiddenSlope, probabilities } = model;
  const target = examples.targets[example];

  hiddenSlope.fill(0);
  for (let character = 0; character < characters; character++) {
    // Softmax and cross-entropy together: the slope of a score is its probability, less one for the true character.
    const slope = (probabilities[character] - (character === target ? 1 : 0)) * share;
    const row = character * width;
    gradient.outputBias[character] += slope;
    for (let unit = 0; unit < width; unit++) {
      outputSlope[row + unit] += slope * hidden[unit];
      hiddenSlope[unit] += slope * output[row + unit];
    }
  }
  for (let unit = 0; unit < width; unit++) {
    if (hidden[unit] === 0) hiddenSlope[unit] = 0;
    gradient.hiddenBias[unit] += hiddenSlope[unit];
  }
  for (let place = 0; place < context; place++) {
    const row = (place * characters + examples.contexts[example * context + place]) * width;
    for (let unit = 0; unit < width; unit++) tableSlope[row + unit] += hiddenSlope[unit];
  }
}

/** The mean loss of the chosen examples, in nats per character; its gradient is added to `gradient`. */
export function lossAndGradient(model, gradient, examples, chosen) {
  let loss = 0;
  for (const example of chosen) {
    loss += forward(model, examples, example);
    backward(model, gradient, examples, example, 1 / chosen.length);
  }
  return loss / chosen.length;
}

/** The mean loss over all examples, in nats per character. */
export function meanLoss(model, examples) {
  let loss = 0;
  for (let example = 0; example < examples.count; example++) loss += forward(model, examples, example);
  return loss / examples.count;
}

/** A gradient of zeros for this model, in parts that are named like the weights. */
export function emptyGradient(model) {
  return partsOf(new model.weights.flat.constructor(model.weights.flat.length), model.shape);
}

/**
 * Trains in place with Adam on batches drawn at random. Calls `onStep(step, loss)` after each of the `steps`,
 * with the mean loss of that step's batch before the step was taken.
 */
export function train(model, examples, { steps, batch, rate }, random, onStep) {
  const gradient = emptyGradient(model);
  const weights = model.weights.flat;
  const mean = new weights.constructor(weights.length);
  const square = new weights.constructor(weights.length);
  const chosen = new Uint32Array(batch);
  for (let step = 1; step <= steps; step++) {
    for (let i = 0; i < batch; i++) chosen[i] = Math.floor(random() * examples.count);
    const loss = lossAndGradient(model, gradient, examples, chosen);
    const unbiased = Math.sqrt(1 - SQUARE_DECAY ** step) / (1 - MEAN_DECAY ** step);
    adamStep(weights, gradient.flat, mean, square, rate * rateAt(step / steps) * unbiased);
    onStep(step, loss);
  }
}

/** The share of the full learning rate that is used when `progress` (0 to 1) of the steps are done. */
function rateAt(progress) {
  if (progress < WARM_UP) return progress / WARM_UP;
  return Math.max(FINAL_RATE, (1 - progress) / (1 - WARM_UP));
}

/** Moves the weights against the gradient, and sets the gradient to zero for the next step. */
function adamStep(weights, gradient, mean, square, rate) {
  for (let i = 0; i < weights.length; i++) {
    const slope = gradient[i];
    mean[i] = MEAN_DECAY * mean[i] + (1 - MEAN_DECAY) * slope;
    square[i] = SQUARE_DECAY * square[i] + (1 - SQUARE_DECAY) * slope * slope;
    weights[i] -= (rate * mean[i]) / (Math.sqrt(square[i]) + 1e-8);
    gradient[i] = 0;
  }
}

/**
 * Tokens that the model continues an empty context with, until token 0 or `limit`. A `temperature` below 1 favours
 * what the model holds likely.
 */
export function sample(model, { temperature, limit }, random) {
  const { context } = model.shape;
  const window = { contexts: new Uint16Array(context), targets: new Uint16Array(1) };
  const tokens = [];
  while (tokens.length < limit) {
    forward(model, window, 0);
    const token = draw(model.probabilities, temperature, random);
    if (token === 0) break;
    tokens.push(token);
    window.contexts.copyWithin(1, 0);
    window.contexts[0] = token;
  }
  return tokens;
}

function draw(probabilities, temperature, random) {
  const weights = Array.from(probabilities, (probability) => probability ** (1 / temperature));
  let left = random() * weights.reduce((sum, weight) => sum + weight, 0);
  const token = weights.findIndex((weight) => {
    left -= weight;
    return left < 0;
  });
  return Math.max(token, 0); // rounding may leave a crumb after the last weight
}

/** The model as text: `facts` (anything that JSON can hold), then the weights as base64 of their 32-bit floats. */
export function serialize(model, facts) {
  const { buffer, byteOffset, byteLength } = model.weights.flat;
  const weights = Buffer.from(buffer, byteOffset, byteLength).toString('base64');
  return `${JSON.stringify({ format: FORMAT, ...facts, shape: model.shape, weights })}\n`;
}

/** The inverse of `serialize`: the model and the facts. Throws when the text holds anything else. */
export function deserialize(text) {
  const { format, shape, weights, ...facts } = JSON.parse(text);
  if (format !== FORMAT) throw new Error(`This is not a ${FORMAT} model (its format is ${format}).`);
  const bytes = new Uint8Array(Buffer.from(weights, 'base64')); // a copy, so that it is aligned for floats
  const expected = sizeOf(shape) * Float32Array.BYTES_PER_ELEMENT;
  if (bytes.byteLength !== expected) {
    throw new Error(`The model's weights are ${bytes.byteLength} bytes where its shape needs ${expected}.`);
  }
  return { model: modelWith(shape, new Float32Array(bytes.buffer)), facts };
}
