import { test } from 'node:test';
import { obeysTheContract } from '@berth/backend/conformance/as-test';
import conformance from './conformance.ts';
import definition from './index.ts';

test('FluffyCloud obeys the contract, on its fake', async (t) => {
  await obeysTheContract(t, definition, conformance, new URL('./index.ts', import.meta.url));
});
