/** C19 and C20: what is offered is what is made. */
import { AVAILABILITIES, CAPACITY_TYPES, type Offer } from '@berth/core';
import { expect, type Rule, skip } from '../rule.ts';

/** Types that are made to see whether they are the right ones. */
const SAMPLES = 4;

export const offerRules: readonly Rule[] = [
  {
    id: 'C19.1',
    title: '`create` makes the type that was offered, where it was offered',
    why: 'Plans show an offer’s price and resources; the user pays for what was made.',
    hint: 'Take type, region and zone from `request.offer`.',
    check: async (bench) => {
      const first = await bench.offer();
      const others = (await bench.stage.offers()).filter(
        ({ instanceType, region, availability }) =>
          (instanceType !== first.instanceType || region !== first.region) && availability !== 'not-available',
      );
      for (const offer of [first, ...spread(others)]) {
        const request = await bench.request({ offer });
        const made = await bench.create(request).catch((error: unknown) => error);
        // Refused is right too: a price list says nothing about stock.
        if (made instanceof Error) continue;
        const [machine] = await bench.billed(request);
        const told = `${machine?.instanceType} in ${machine?.region} ${machine?.zone ?? ''}`;
        const right = machine?.instanceType === offer.instanceType && machine.region === offer.region;
        expect(right, `${offer.instanceType} in ${offer.region} ${offer.zone ?? ''}`, told);
        expect(offer.zone === null || machine.zone === offer.zone, `zone ${offer.zone}`, told);
      }
    },
  },
  {
    id: 'C19.2',
    title: '`create` makes the capacity type that was offered',
    why: 'A machine on demand for the price of spot is billed at three times the plan.',
    hint: 'Take it from `request.offer.capacityType`; refuse what the cloud cannot do.',
    check: async (bench) => {
      const offers = await bench.stage.offers();
      const types = CAPACITY_TYPES.filter(
        (type) => type !== 'reserved' && offers.some((one) => one.capacityType === type),
      );
      for (const type of types) {
        const offer = await bench.offer(({ capacityType }) => capacityType === type, `offer of ${type}`);
        const request = await bench.request({ offer });
        await bench.create(request);
        const [machine] = await bench.billed(request);
        if (machine?.capacityType === undefined) skip('the fake sells one capacity type');
        expect(machine.capacityType === type, `a machine of ${type}`, machine.capacityType);
      }
    },
  },
  {
    id: 'C19.3',
    title: 'offers agree with themselves: each once, of this backend, at a price',
    why: 'The planner sorts by price and tells offers apart by id.',
    hint: 'See `berth catalog check`.',
    live: true,
    check: async (bench) => {
      const { name } = await bench.backend();
      const offers = await bench.stage.offers();
      expect(offers.length > 0, 'offers', 'none');
      expect(new Set(offers.map(({ id }) => id)).size === offers.length, 'each id once', 'some twice');
      const strange = offers.find(({ backend, pricePerHour }) => backend !== name || !(pricePerHour >= 0));
      expect(strange === undefined, `offers of ${name}, at a price`, JSON.stringify(strange));
    },
  },
  {
    id: 'C20.1',
    title: '`offers.availability` answers for offers that it was asked for, in the contract’s words',
    why: 'Availability is the only thing of an offer that an account may change.',
    hint: 'A map from `offer.id` to the availability; leave out what is not known.',
    appliesTo: 'offers',
    live: true,
    check: async (bench) => {
      const facet = await bench.facet('offers');
      const offers = (await bench.stage.offers()).slice(0, 500);
      const before = JSON.stringify(offers);
      const answer = await facet.availability(offers, bench.call());
      const asked = new Set(offers.map(({ id }) => id));
      const strange = [...answer].filter(([id, word]) => !asked.has(id) || !AVAILABILITIES.includes(word));
      expect(strange.length === 0, 'answers for the offers that were asked for', JSON.stringify(strange[0]));
      expect(JSON.stringify(offers) === before, 'offers left as they were', 'changed ones');
    },
  },
  {
    id: 'C20.2',
    title: 'what is out of stock is not told as available',
    why: 'The planner puts what is available first, and each refusal costs the user a minute.',
    hint: 'Ask the cloud what is in stock, or leave the offer out of the answer.',
    appliesTo: 'offers',
    check: async (bench) => {
      const facet = await bench.facet('offers');
      const offer = await bench.offer();
      await bench.situation({ kind: 'no-capacity', offer });
      const word = (await facet.availability([offer], bench.call())).get(offer.id);
      expect(word !== 'available', 'another word than `available`', 'available');
    },
  },
  {
    id: 'C19.4',
    title: 'a new price is seen',
    why: 'Plans are made by price, and budgets held by it.',
    hint: 'Keep no price in memory beyond `cacheForMs`.',
    appliesTo: 'price-list',
    check: async (bench) => {
      const { fake, stage } = bench;
      const offer = await bench.offer();
      if (fake.offers !== undefined) skip('the fake does not serve the price list');
      const pricePerHour = offer.pricePerHour * 2;
      await bench.situation({ kind: 'price', offer, pricePerHour });
      const again = (await stage.collected()).find(({ id }) => id === offer.id);
      const right = again !== undefined && Math.abs(again.pricePerHour - pricePerHour) < 1e-6;
      expect(right, `$${pricePerHour}`, again === undefined ? 'no such offer' : `$${again.pricePerHour}`);
    },
  },
];

/** Some from all over the list. */
function spread(offers: readonly Offer[]): readonly Offer[] {
  const step = Math.max(1, Math.floor(offers.length / SAMPLES));
  return offers.filter((_, index) => index % step === 0).slice(0, SAMPLES);
}
