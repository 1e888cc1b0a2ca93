import { defineBackend, online } from '@berth/backend';
import { z } from 'zod';
import { collectVastAi } from './collect.ts';

export default defineBackend({
  type: 'vastai',
  title: 'Vast.ai',
  kind: 'container',
  credentials: { default: z.strictObject({}) },
  config: z.strictObject({}),
  catalog: online({
    // A host that was free five minutes ago mostly still is, and searching is rate limited.
    cacheForMs: 5 * 60_000,
    credentials: 'none',
    collect: collectVastAi,
    rules: [
      { rule: 'accelerators', names: ['RTX3090', 'RTX4090', 'RTX5090', 'A100', 'H100'], atLeast: 2 },
      { rule: 'offers', atLeast: 50 },
      // Hosts set their lowest bid themselves.
      { rule: 'spot-above-on-demand' },
    ],
  }),
});
