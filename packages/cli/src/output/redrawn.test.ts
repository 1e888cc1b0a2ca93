import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Redrawn } from './redrawn.ts';

/** A terminal as simple as can be: what is on it after some writes. */
function terminal(columns: number, rows: number) {
  const cells: string[] = [''];
  let row = 0;
  return {
    columns,
    rows,
    write(text: string) {
      for (const [piece] of text.matchAll(/\x1b\[\d*[AKJ]|\r|\n|[^\x1b\r\n]+/g)) {
        const up = /^\x1b\[(\d+)A$/.exec(piece);
        if (up !== null) row = Math.max(0, row - Number(up[1]));
        else if (piece === '\n') cells[++row] ??= '';
        else if (piece === '\x1b[J') cells.length = row + 1;
        else if (piece === '\x1b[J' || piece === '\x1b[K' || piece === '\r') continue;
        else cells[row] = piece;
      }
      if (cells.length === row + 1) cells[row] = '';
      return true;
    },
    shown: () => cells.join('\n'),
  };
}

test('lines stay in their place, and none of a longer list is left over', () => {
  const screen = terminal(80, 24);
  const block = new Redrawn(screen);
  block.draw('NAME\none\ntwo');
  block.draw('NAME\none');
  block.draw('Nothing runs.');
  assert.equal(screen.shown(), 'Nothing runs.\n');
});

test('bug: a list that is taller than the terminal was drawn below itself again and again', () => {
  const screen = terminal(80, 5);
  const block = new Redrawn(screen);
  const list = Array.from({ length: 9 }, (_, i) => `line ${i}`).join('\n');
  for (let n = 0; n < 3; n++) block.draw(list);
  assert.equal(screen.shown(), 'line 0\nline 1\nline 2\n… and 6 more\n');
});

test('bug: after a window became narrower the old lines stayed', () => {
  const written: string[] = [];
  const screen = { columns: 80, rows: 24, write: (text: string) => written.push(text) > 0 };
  const block = new Redrawn(screen);
  block.draw(`${'x'.repeat(70)}\nshort`);
  screen.columns = 30;
  block.draw('y');
  assert.equal(written.pop(), '\x1b[4A\ry\x1b[K\n\x1b[J');
});
