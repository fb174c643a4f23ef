/** Synthetic texts in JSONL shards: random words, no text twice; every eighth shard compressed. */
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import path from 'node:path';
import { finished } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

/** A generator of 32-bit numbers that is fast and depends on its seed alone. */
function random(seed) {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

function words(next, bytes) {
  const vocabulary = Array.from({ length: 20_000 }, () => {
    const letters = Array.from({ length: 2 + next(9) }, () => String.fromCharCode(97 + next(26)));
    return letters.join('');
  });
  let text = '';
  while (text.length < bytes) text += `${vocabulary[next(vocabulary.length)]} `;
  return text;
}

/** @returns the shards' paths, and the bytes of text in them */
export async function writeShards(folder, { bytes, shards }) {
  const next = random(42);
  const source = words(next, 2 ** 24);
  const files = [];
  let written = 0;
  for (let shard = 0; shard < shards; shard++) {
    const isCompressed = shard % 8 === 7;
    const file = path.join(folder, `shard-${String(shard).padStart(4, '0')}.jsonl${isCompressed ? '.gz' : ''}`);
    const out = createWriteStream(file, { highWaterMark: 2 ** 22 });
    const into = isCompressed ? createGzip({ level: 1 }) : out;
    if (isCompressed) into.pipe(out);
    const share = Math.round((bytes * (shard + 1)) / shards);
    while (written < share) {
      let lines = '';
      while (lines.length < 2 ** 20) {
        // Two random pieces of the words and a number make a text that there is once.
        const [first, second] = [next(2 ** 23), next(2 ** 23)];
        const text = `${written + lines.length} ${source.slice(first, first + 500 + next(2000))}${source.slice(second, second + 500 + next(2000))}`;
        lines += `{"text":"${text}"}\n`;
      }
      written += lines.length;
      if (!into.write(lines)) await once(into, 'drain');
    }
    into.end();
    await finished(out);
    files.push(file);
  }
  return { files, written };
}
