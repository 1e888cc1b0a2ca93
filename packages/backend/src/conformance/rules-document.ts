/** The rules of the contract and how each is checked, as a page of the documentation. */
import { groupOf, type Rule } from './rule.ts';

const HEAD = `# The rules of the contract, and how they are checked

\`berth backend check NAME\` holds a backend against these rules, on the fake that its folder ships; with \`--live\`, those
marked so on a real account. \`--rule C2\` runs the checks of one rule, \`--rule C2.3\` a single one. A check that is for a facet, a kind or a way
to start the agent runs where the backend has it; what a fake cannot show is skipped with the reason, never passed.

This page is made from \`packages/backend/src/contract.ts\` and the checks in \`packages/backend/src/conformance/rules/\` by
\`node scripts/contract-rules.ts\`.
`;

/** Checks that belong to no rule of the contract by themselves. */
const OTHER: Readonly<Record<string, string>> = {
  K: 'What the kit needs.',
  W: 'Walks through many rules, as people do them by hand before they trust a cloud.',
};

/** `contract`: the text of `contract.ts`, whose first comment states the rules. */
export function rulesDocument(contract: string, rules: readonly Rule[]): string {
  const stated = statedRules(contract);
  const groups = Map.groupBy(rules, ({ id }) => sectionOf(id));
  const sections = [...stated.keys(), ...Object.keys(OTHER)].map((name) => {
    const checks = groups.get(name) ?? [];
    const text = stated.get(name) ?? OTHER[name] ?? '';
    return [`## ${name}`, '', text, '', ...tableOf(checks)].join('\n');
  });
  return `${HEAD}\n${sections.join('\n\n')}\n`;
}

/** Rules by number, each with its sentence, in the order of their numbers. */
export function statedRules(contract: string): ReadonlyMap<string, string> {
  const comment = contract.slice(0, contract.indexOf('*/'));
  const rules = new Map<string, string>();
  let current: string | null = null;
  for (const line of comment.split('\n')) {
    const [, id, first] = /^ \* {3}(C\d+) {1,2}(\S.*)$/.exec(line) ?? [];
    const [, more] = /^ \* {7}(\S.*)$/.exec(line) ?? [];
    if (id !== undefined && first !== undefined) {
      current = id;
      rules.set(id, first);
    } else if (more !== undefined && current !== null) rules.set(current, `${rules.get(current)} ${more}`);
    else current = null;
  }
  return new Map([...rules].sort(([one], [other]) => Number(one.slice(1)) - Number(other.slice(1))));
}

function sectionOf(id: string): string {
  const group = groupOf(id);
  return Object.keys(OTHER).find((letter) => group.startsWith(letter)) ?? group;
}

function tableOf(checks: readonly Rule[]): readonly string[] {
  if (checks.length === 0) return ['Not checked by itself.'];
  const rows = checks.map(({ id, title, why, appliesTo = 'all', live }) =>
    [id, title, appliesTo === 'all' ? '' : appliesTo, live === true ? 'live' : '', why].map(cell).join(' | '),
  );
  return ['| check | what | for | | why |', '|---|---|---|---|---|', ...rows.map((row) => `| ${row} |`)];
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
