import { z } from 'zod';

/** What can be said of this machine in the server's configuration. */
export const LocalConfigSchema = z.strictObject({
  max_instances: z
    .int()
    .min(1)
    .max(64)
    .default(16)
    .describe('Instances that this machine may hold at once. They share its CPUs and memory.'),
  price: z.number().nonnegative().default(0).describe('Dollars per hour of one instance, for the books.'),
});

export type LocalConfig = z.output<typeof LocalConfigSchema>;
