import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { lstatSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { ExportToolOptions } from '@berth/core/catalog-tool';
import { exportCsv } from './export.ts';
import { Workshop } from './workshop.ts';

const OPTIONS: ExportToolOptions = { format: 'csv', query: { backends: ['lambda'] } };

function workshop(t: TestContext): Workshop {
  const root = mkdtempSync(join(tmpdir(), 'berth-export-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const { signal } = new AbortController();
  return new Workshop({ home: join(root, 'home'), env: {}, cwd: root, signal, progress: () => {}, warn: () => {} });
}

test('a pipe that is named as the file is written to and stays one', async (t) => {
  const exporting = workshop(t);
  const pipe = exporting.at('pipe');
  execFileSync('mkfifo', [pipe]);
  const [rows, text] = await Promise.all([
    exportCsv(exporting, 'pipe', OPTIONS),
    import('node:fs/promises').then(({ readFile }) => readFile(pipe, 'utf8')),
  ]);
  assert.ok(lstatSync(pipe).isFIFO());
  assert.equal(text.trim().split('\n').length, rows + 1);
});

test('a link stays a link, and its file is replaced', async (t) => {
  const exporting = workshop(t);
  writeFileSync(exporting.at('real.csv'), 'before');
  symlinkSync('real.csv', exporting.at('link.csv'));
  await exportCsv(exporting, 'link.csv', OPTIONS);
  assert.ok(lstatSync(exporting.at('link.csv')).isSymbolicLink());
  assert.match(readFileSync(exporting.at('real.csv'), 'utf8'), /gpu_1x_a10,/);
});

test('a folder is no file to export to', async (t) => {
  await assert.rejects(exportCsv(workshop(t), '.', OPTIONS), { code: 'invalid-request', message: /is a folder/ });
});
