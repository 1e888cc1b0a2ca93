/**
 * The two files behind Oracle's public cost estimator (https://www.oracle.com/cloud/costestimator.html).
 * Everybody may read them. Their fields are documented nowhere; these are the ones that the files had in
 * September 2026.
 */

import type { Http } from '@berth/http';
import { z } from 'zod';

const DATA = 'https://www.oracle.com/a/ocom/docs/cloudestimator2/data';

const Word = z.object({ value: z.string() });
const Quantity = z.number().nonnegative().nullish();

const ShapePart = z.object({
  /** `ocpu`, `memory` (GiB), `disk` (TB). */
  type: Word,
  partNumber: z.string(),
  /** Of a fixed shape; fractions occur: 81.6 TB. */
  qty: Quantity,
  /** Of a flexible shape. */
  min: Quantity,
  max: Quantity,
});
export type ShapePart = z.infer<typeof ShapePart>;

const Shape = z.object({
  /** The shape's name in the API, at times with a remark: `BM.GPU.GB200.4 (NVL72)`. */
  name: z.string().min(1),
  status: z.string(),
  hidden: z.boolean().nullish(),
  allowPreemptible: z.boolean().nullish(),
  /** GiB; null for the newest shapes. */
  bundleMemoryQty: Quantity,
  gpuQty: Quantity,
  /** GB, of all devices or of one: see `gpu.ts`. */
  gpuMemoryQty: Quantity,
  /** `arm` also for some A10 and A100 shapes, whose CPUs are x86. */
  processorType: Word.nullish(),
  /** `gpu`, `flexible`, `standard`, `dense`, `optimized`, … */
  subType: Word,
  products: z.array(ShapePart),
});
export type Shape = z.infer<typeof Shape>;

const Product = z.object({
  partNumber: z.string(),
  /** `UCM`: pay as you go by the universal credits; others are licences and services. */
  billingModel: z.string().nullish(),
  /** `HOUR`, `MONTH`, … */
  pricetype: z.string().nullish(),
  /** `GPU Per Hour`, `OCPU Per Hour`; the file does not always have it. */
  metricName: z.string().nullish(),
  currencyCodeLocalizations: z.array(
    z.object({
      currencyCode: z.string(),
      prices: z.array(z.object({ model: z.string(), value: z.number() })),
    }),
  ),
});
export type Product = z.infer<typeof Product>;

const Shapes = z.object({ items: z.array(Shape) });
const Products = z.object({ items: z.array(Product) });

export async function fetchShapes(http: Http, signal: AbortSignal): Promise<readonly Shape[]> {
  return (await http.json({ url: `${DATA}/shapes.json`, schema: Shapes }, signal)).items;
}

export async function fetchProducts(http: Http, signal: AbortSignal): Promise<readonly Product[]> {
  return (await http.json({ url: `${DATA}/products.json`, schema: Products }, signal)).items;
}
