/** `node scripts/contract-rules.ts`: writes docs/contract-rules.md anew, from the contract and the conformance kit. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RULES } from '@berth/backend/conformance/rules';
import { rulesDocument } from '@berth/backend/conformance/rules-document';

const root = join(import.meta.dirname, '..');
const contract = readFileSync(join(root, 'packages', 'backend', 'src', 'contract.ts'), 'utf8');
writeFileSync(join(root, 'docs', 'contract-rules.md'), rulesDocument(contract, RULES));
