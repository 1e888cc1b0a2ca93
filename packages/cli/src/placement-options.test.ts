import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BerthError } from '@berth/core/errors';
import { Command } from 'commander';
import {
  aboutFlags,
  type PlacementOptions,
  placementOverrides,
  withPlacement,
  withResources,
} from './placement-options.ts';

const overrides = (...words: string[]) => {
  const parser = withPlacement(withResources(new Command()));
  parser.parse(words, { from: 'user' });
  return placementOverrides(parser.opts<PlacementOptions>());
};

test('flags are keys of a configuration; what is not given is not there', () => {
  assert.deepEqual(overrides(), {});
  assert.deepEqual(overrides('--reservation', 'cr-1', '-b', 'aws', '--spot', '--gpu', 'H100'), {
    reservation: 'cr-1',
    backends: ['aws'],
    spot_policy: 'spot',
    resources: { gpu: 'H100' },
  });
});

test('a mistake in a flag is told of the flag, not of a key that nobody wrote', () => {
  const issues = [{ path: 'reservation', message: '`reservation` must not be empty' }];
  const told = aboutFlags(new BerthError('invalid-configuration', 'it cannot be used', { issues }));
  assert.match(told.message, /^--reservation: /);
});
