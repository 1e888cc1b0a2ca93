// biome-ignore-all lint/suspicious/noTemplateCurlyInString: `${{ … }}` is the language under test
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { quoteShellWord, splitShellWords } from './shell-words.ts';

test('quotes group words and a backslash keeps the next character', () => {
  assert.deepEqual(splitShellWords(`python -c 'print("a b")' "x\\"y" a\\ b ''`), [
    'python',
    '-c',
    'print("a b")',
    'x"y',
    'a b',
    '',
  ]);
  assert.deepEqual(splitShellWords(' \t\n '), []);
  assert.deepEqual(splitShellWords('a\\\nb "c\\\nd" \\\n e'), ['ab', 'cd', 'e']);
});

test('an open quote is refused', () => {
  for (const line of [`'a`, `"a`, 'a\\']) assert.throws(() => splitShellWords(line), /not closed/);
});

test('what is quoted splits back into the same words', () => {
  const words = fc.array(fc.string());
  fc.assert(fc.property(words, (list) => assert.deepEqual(splitShellWords(list.map(quoteShellWord).join(' ')), list)));
});

test('a real shell reads quoted words unchanged', () => {
  const words = ['plain', '', `it's`, '$HOME `id` "x"', 'a\nb', '*', '--flag=1 2', '\\', '${{ run.args }}'];
  const script = `for w in ${words.map(quoteShellWord).join(' ')}; do printf '%s\\0' "$w"; done`;
  const seen = execFileSync('sh', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1);
  assert.deepEqual(seen, words);
});
