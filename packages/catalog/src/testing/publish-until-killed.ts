/** A process that publishes one version after the other until somebody kills it: directory, private key. */

import { publish } from '../publish.ts';
import { directoryTarget } from '../publish-target.ts';
import { readSigner } from '../signature.ts';

const [root = '', privateKey = ''] = process.argv.slice(2);
const target = directoryTarget(root, Date.now);
const signer = readSigner(privateKey);
const { signal } = new AbortController();

for (let round = 1; ; round++) {
  const sources = ['aws', 'gcp'].map((name) => ({
    name,
    ok: true as const,
    snapshot: Buffer.from(`${name} ${round} ${Math.random()}`.padEnd(200_000, '.')),
    offers: round,
    collectedAt: Date.now(),
  }));
  const { manifest } = await publish({ target, signer, now: Date.now, signal }, sources);
  process.stdout.write(`${manifest.version}\n`);
}
