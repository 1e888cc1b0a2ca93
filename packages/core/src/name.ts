import { BerthError } from './errors.ts';
import type { RandomBytes } from './ids.ts';
import { quote } from './quote.ts';

/** Names of runs and fleets: they become part of machine names, host names and URLs. */
export const NAME_PATTERN = '^[a-z][a-z0-9-]{0,59}$';

/** @throws BerthError `invalid-configuration` */
export function parseName(text: string): string {
  if (new RegExp(NAME_PATTERN).test(text)) return text;
  const better = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '')
    .slice(0, 60);
  throw new BerthError('invalid-configuration', `${quote(text)} cannot be a name`, {
    hint: `a name begins with a lower-case letter and has up to 60 letters, digits and dashes${
      better === '' ? '' : `: \`${better}\``
    }`,
  });
}

/** Names of users and tokens, which are never part of a host name. */
export const ACCOUNT_NAME_PATTERN = '^[a-z][a-z0-9_.-]{0,59}$';

/** @throws BerthError `invalid-configuration` */
export function parseAccountName(text: string): string {
  if (new RegExp(ACCOUNT_NAME_PATTERN).test(text)) return text;
  throw new BerthError('invalid-configuration', `${quote(text)} cannot be a name`, {
    hint: 'a name begins with a lower-case letter and has up to 60 lower-case letters, digits, `_`, `.` and `-`',
  });
}

const ADJECTIVES = (
  'able amber brave bright brisk calm chilly clever cosy crisp dusty eager early fancy fair fast fluffy fresh gentle ' +
  'giant glad golden grand happy honest humble jolly keen kind late light lively loud lucky mellow merry mighty misty ' +
  'neat nimble noble odd polite proud quick quiet rapid ready rosy shiny silent silver sleepy smart snowy soft solid ' +
  'sunny swift tall tidy tiny warm wild wise witty young'
).split(' ');

const ANIMALS = (
  'badger beaver bison bobcat camel cat cheetah cobra crab crane crow deer dingo dog dolphin donkey dove duck eagle eel ' +
  'elk falcon ferret finch fox frog gecko goat goose gull hare hawk heron horse ibis impala jackal jaguar kiwi koala ' +
  'lemur lion lizard llama lynx magpie marmot mole moose mouse newt ocelot orca otter owl panda parrot pelican penguin ' +
  'pony puffin puma rabbit raven robin salmon seal shark sheep sloth snail sparrow squid stork swan tapir tiger toad ' +
  'trout turtle viper walrus whale wolf wombat yak zebra'
).split(' ');

/** `brave-otter-7`: an adjective, an animal and a number from 1 to 99. */
export function randomName(random: RandomBytes): string {
  const [a = 0, b = 0, c = 0] = random(3);
  return `${ADJECTIVES[a % ADJECTIVES.length]}-${ANIMALS[b % ANIMALS.length]}-${1 + (c % 99)}`;
}
