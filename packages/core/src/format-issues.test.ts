import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BerthError, type ConfigIssue } from './errors.ts';
import { formatIssues } from './format-issues.ts';

const format = (text: string, ...issues: ConfigIssue[]): string =>
  formatIssues(new BerthError('invalid-configuration', 'x', { issues }), { file: 'a.yml', text });

test('an issue is shown with its line, a caret below the column and the hint', () => {
  const issue = {
    path: 'comands',
    message: 'unknown key `comands`',
    line: 2,
    column: 3,
    hint: 'did you mean `commands`?',
  };
  assert.equal(
    format('type: task\n  comands: [a]\n', issue),
    ['a.yml:2:3 unknown key `comands`', '  2 |   comands: [a]', '    |   ^', '    = did you mean `commands`?'].join(
      '\n',
    ),
  );
});

test('an issue without a place is shown without a line', () => {
  assert.equal(format('a: 1\n', { path: 'a', message: 'is wrong', hint: 'mend it' }), 'a.yml is wrong\n  = mend it');
});

test('the caret stands below its column after tabs', () => {
  const [, , caret] = format('a:\t"x"\n', { path: 'a', message: 'm', line: 1, column: 4 }).split('\n');
  assert.equal(caret, '    |   \t^');
});

test('a long line is cut around the place', () => {
  const text = `a: "${'x'.repeat(100_000)}!${'y'.repeat(100_000)}"`;
  const shown = format(text, { path: 'a', message: 'm', line: 1, column: text.indexOf('!') + 1 });
  const [, source = '', caret = ''] = shown.split('\n');
  assert.ok(shown.length < 400);
  assert.equal(source.charAt(caret.indexOf('^')), '!');
});

test('control characters of the file do not reach the terminal', () => {
  const shown = format('a: \u001b[31mred\u0007\n', {
    path: 'a',
    message: 'bad \u001b[2J',
    line: 1,
    column: 4,
    hint: '\u009b',
  });
  assert.doesNotMatch(shown, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
});

test('many issues are counted, not all shown', () => {
  const issues = Array.from({ length: 25 }, (_, i) => ({ path: '', message: `m${i}`, line: 1, column: 1 }));
  const shown = format('a', ...issues);
  assert.ok(shown.includes('m19') && !shown.includes('m20'));
  assert.match(shown, /\nand 5 more$/);
});

test('a style marks the parts', () => {
  const mark = (name: string) => (text: string) => `<${name}>${text}</${name}>`;
  const style = { location: mark('l'), message: mark('m'), gutter: mark('g'), caret: mark('c'), hint: mark('h') };
  const error = new BerthError('invalid-configuration', 'x', {
    issues: [{ path: '', message: 'x', line: 1, column: 1, hint: 'y' }],
  });
  const shown = formatIssues(error, { file: 'a', text: 'z', style });
  assert.equal(shown, '<l>a:1:1</l> <m>x</m>\n<g>  1 |</g> z\n<g>    |</g> <c>^</c>\n<g>    =</g> <h>y</h>');
});
