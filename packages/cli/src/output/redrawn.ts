import { stripVTControlCharacters } from 'node:util';
import { unsealed } from './style.ts';

type Screen = Pick<NodeJS.WriteStream, 'write' | 'columns' | 'rows'>;

/** Lines on a terminal that stay in their place while what they say changes. */
export class Redrawn {
  readonly #stream: Screen;
  /** As they were drawn, without styles. */
  #drawn: readonly string[] = [];

  constructor(stream: Screen) {
    this.#stream = stream;
  }

  /** In one write, each line over the old one, so that nothing is empty in between. What does not fit is counted. */
  draw(text: string): void {
    const { columns = 80, rows = 24 } = this.#stream;
    // The last row is the cursor's; a terminal cannot go back above its first.
    const most = Math.max(1, rows - 1);
    const all = unsealed(text).split('\n');
    const lines = all.length > most ? [...all.slice(0, most - 1), `… and ${all.length - most + 1} more`] : all;
    // In a window that became narrower a line has become several.
    const height = this.#drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / columns)), 0);
    const up = Math.min(height, most);
    const back = up > 0 ? `\x1b[${up}A\r` : '';
    this.#stream.write(`${back}${lines.map((line) => `${line}\x1b[K\n`).join('')}\x1b[J`);
    this.#drawn = lines.map((line) => stripVTControlCharacters(line));
  }
}
