import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DockerDemux, DockerLogReader, type LogMessage } from './docker-demux.ts';

function piece(stream: number, bytes: Uint8Array): Buffer {
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(bytes.length, 4);
  return Buffer.concat([header, bytes]);
}

describe("Docker's stream", () => {
  const pieces = fc.array(fc.tuple(fc.constantFrom(1, 2), fc.uint8Array({ maxLength: 200 })), { maxLength: 20 });

  it('is taken apart exactly, however it was cut', () => {
    fc.assert(
      fc.property(pieces, fc.integer({ min: 1, max: 40 }), (written, cut) => {
        const wire = Buffer.concat(written.map(([stream, bytes]) => piece(stream, bytes)));
        const read = { stdout: [] as number[], stderr: [] as number[] };
        const demux = new DockerDemux((bytes, stream) => void read[stream].push(...bytes));
        for (let at = 0; at < wire.length; at += cut) demux.push(wire.subarray(at, at + cut));
        const of = (stream: number): number[] =>
          written.flatMap(([from, bytes]) => (from === stream ? [...bytes] : []));
        assert.deepEqual(read, { stdout: of(1), stderr: of(2) });
      }),
    );
  });

  it('of a log is taken apart into messages and their times', () => {
    const wire = Buffer.concat([
      piece(1, Buffer.from('2024-05-01T10:00:00.123456789Z first line\n')),
      piece(2, Buffer.from('2024-05-01T12:00:01.000000000+02:00 \n')),
    ]);
    for (const cut of [1, 7, 1000]) {
      const messages: LogMessage[] = [];
      const reader = new DockerLogReader(
        (message) => void messages.push({ ...message, bytes: Buffer.from(message.bytes) }),
      );
      for (let at = 0; at < wire.length; at += cut) reader.push(wire.subarray(at, at + cut));
      assert.deepEqual(messages, [
        { at: Date.UTC(2024, 4, 1, 10, 0, 0, 123), bytes: Buffer.from('first line\n'), stream: 'stdout' },
        { at: Date.UTC(2024, 4, 1, 10, 0, 1), bytes: Buffer.from('\n'), stream: 'stderr' },
      ]);
    }
  });

  it('of a log has the newlines again that Docker lost at the end of long lines', () => {
    const line = (text: string): Buffer => piece(1, Buffer.from(`2024-05-01T10:00:00Z ${text}`));
    const full = 'x'.repeat(16_384);
    const read = (pieces: readonly Buffer[]): string => {
      const texts: string[] = [];
      const reader = new DockerLogReader((message) => void texts.push(Buffer.from(message.bytes).toString()));
      reader.push(Buffer.concat(pieces));
      return texts.join('');
    };
    assert.equal(read([line(full), line(full), line('rest'), line('next\n')]), `${full}${full}rest\nnext\n`);
    assert.equal(read([line(full), line(''), line('next\n')]), `${full}\nnext\n`, 'a line of exactly the buffer');
    assert.equal(
      read([line(full), line('rest\n'), line('next\n')]),
      `${full}rest\nnext\n`,
      'an engine that does not lose it',
    );
    assert.equal(read([line('first\n'), line('last')]), 'first\nlast', 'a last line without newline');
  });
});
