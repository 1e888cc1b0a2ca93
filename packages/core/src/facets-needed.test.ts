import assert from 'node:assert/strict';
import { test } from 'node:test';
import { facetsNeeded, withFacets } from './facets-needed.ts';
import { matches } from './match.ts';
import { fittingOffers } from './offers.ts';
import { offer } from './placement.fixture.ts';
import { toRequirements } from './requirements.ts';

const offers = [offer({ backend: 'vultr' }), offer({ backend: 'vultr', region: 'eu' })];
const wanted = toRequirements(null, { reservation: 'cr-1' });
const anything = toRequirements(null, {});

test('a reservation needs the facet of that name; without one nothing is needed', () => {
  assert.deepEqual(facetsNeeded(wanted), ['reservations']);
  assert.deepEqual(facetsNeeded(anything), []);
  assert.equal(withFacets(offers, anything, []), offers, 'and offers are not touched');
  assert.equal(withFacets(offers, null, []), offers);
});

test('no offer of a backend without the facet fits, and the reason names both', () => {
  const { fitting, misfits } = fittingOffers(wanted, withFacets(offers, wanted, ['suspend']));
  assert.deepEqual(fitting, []);
  assert.deepEqual(misfits, [{ reason: 'vultr has no reservations (facet)', count: 2 }]);
});

test('offers of one that has it carry the reservation, with which they fit', () => {
  const stamped = withFacets(offers, wanted, ['reservations']);
  assert.deepEqual(
    stamped.map(({ reservation }) => reservation),
    ['cr-1', 'cr-1'],
  );
  assert.equal(fittingOffers(wanted, stamped).fitting.length, 2);
});

test('a machine of another reservation, or of none, is not taken for it; who wants none takes any', () => {
  const elsewhere = { ...offer(), reservation: 'cr-2' };
  assert.deepEqual(matches(wanted, elsewhere), {
    fits: false,
    because: 'in reservation cr-2, where cr-1 is wanted',
  });
  assert.deepEqual(matches(wanted, offer()), {
    fits: false,
    because: 'in no reservation, where cr-1 is wanted',
  });
  assert.deepEqual(matches(anything, elsewhere), { fits: true });
});
