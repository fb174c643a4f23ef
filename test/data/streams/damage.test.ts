/** Damaged files of streams: skipped and counted, or the end; and always the same is read of them. */
import fs from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

import * as streams from '../../../lib/data/streams';
import { temporaryFolder, write } from '../temporary';
import { read, textOf, writeTar } from './shards';

const folder = temporaryFolder();
const range = (count: number) => Array.from({ length: count }, (_, n) => n);

const rest = () => [textOf(0, 0), textOf(0, 1)];
const good = write(
  folder,
  'good.jsonl',
  rest()
    .map((text) => JSON.stringify({ text }))
    .join('\n'),
);
const whole = gzipSync(
  range(3000)
    .map((row) => JSON.stringify({ text: textOf(9, row) }))
    .join('\n'),
);

const cases: Record<string, { files: () => Promise<string[]> | string[]; kept: number; told: RegExp[] }> = {
  'a line that is not JSON': {
    files: () => [write(folder, 'line.jsonl', '{"text":"a"}\n{"text":\n{"text":"b"}\n')],
    kept: 2,
    told: [/line\.jsonl:2 is not JSON.*It was passed over \(1 so far\)/s],
  },
  'a line that is not UTF-8': {
    files: () => [write(folder, 'utf8.jsonl', Buffer.from('{"text":"a"}\n{"text":"\xff"}\n{"text":"b"}\n', 'latin1'))],
    kept: 2,
    told: [/utf8\.jsonl:2 is not UTF-8/],
  },
  'an archive that is cut off': {
    files: () => [write(folder, 'cut.jsonl.gz', whole.subarray(0, whole.length / 2))],
    kept: -1,
    told: [/cut\.jsonl\.gz.*The rest of the file was passed over/s],
  },
  'a file that is not there': {
    files: () => [path.join(folder, 'missing.jsonl')],
    kept: 0,
    told: [/missing\.jsonl.*The rest of the file was passed over/s],
  },
  'an empty file': { files: () => [write(folder, 'empty.jsonl', '')], kept: 0, told: [/empty\.jsonl is empty/] },
  several: {
    files: () => [path.join(folder, 'missing.jsonl'), write(folder, 'two.jsonl', 'x\n{"text":"a"}\ny\n')],
    kept: 1,
    told: [/\(1 so far\)/, /two\.jsonl:1.*\(2 so far\)/s, /two\.jsonl:3.*\(3 so far\)/s],
  },
};

test.each(Object.keys(cases))('%s: skipped and counted, or the end', async (name) => {
  const { files, kept, told } = cases[name]!;
  const all = [...(await files()), good];
  const damage: streams.Damage[] = [];
  const stream = streams.jsonl<{ text: string }>(all, { onDamage: 'skip' });
  const texts = (await read(stream.open({ onDamage: (one) => damage.push(one) }))).map(({ text }) => text);
  expect(texts.slice(-2)).toEqual(rest());
  if (kept >= 0) expect(texts).toHaveLength(kept + 2);
  expect(damage.map(({ message }) => message)).toEqual(told.map((words) => expect.stringMatching(words) as string));
  expect(damage.map(({ count }) => count)).toEqual(range(told.length).map((n) => n + 1));
  await expect(read(streams.jsonl(all))).rejects.toMatchObject({ code: 'ERR_DATA' });
  // As exact as without damage: what is left is the same after a resumption, and counted on.
  const reader = stream.open({ onDamage: () => {} });
  for (let n = 0; n < texts.length / 2; n++) await reader.next();
  const after: streams.Damage[] = [];
  const left = await read(stream.open({ state: reader.state(), onDamage: (one) => after.push(one) }));
  expect(left.map(({ text }) => text)).toEqual(texts.slice(Math.ceil(texts.length / 2)));
  for (const { count } of after) expect(count).toBeLessThanOrEqual(told.length);
});

test('of an archive that is cut off, always the same is read', async () => {
  const [file] = await cases['an archive that is cut off']!.files();
  const counts: number[] = [];
  for (let time = 0; time < 5; time++) {
    let count = 0;
    for await (const _ of streams.jsonl([file!, good], { onDamage: 'skip' }).open({ onDamage: () => {} })) {
      if (++count % 100 === time) await new Promise((resolve) => setTimeout(resolve, time));
    }
    counts.push(count);
  }
  expect(new Set(counts).size).toBe(1);
  expect(counts[0]).toBeGreaterThan(100);
});

test('tar shards: cut off, overwritten, without an end', async () => {
  const [file] = await writeTar(path.join(folder, 'damaged-tar'), { shards: 1, rows: 6 });
  const bytes = fs.readFileSync(file!);
  const samples = async (damaged: Uint8Array) => {
    const damage: string[] = [];
    const stream = streams.tar([write(folder, 'damaged.tar', damaged), file!], { onDamage: 'skip' });
    const given = await read(stream.open({ onDamage: ({ message }) => damage.push(message) }));
    return { kept: given.length - 6, damage };
  };
  expect(await samples(bytes)).toEqual({ kept: 6, damage: [] });
  const cut = await samples(bytes.subarray(0, bytes.length / 2));
  expect(cut.damage).toEqual([expect.stringMatching(/damaged\.tar is cut off/)]);
  expect(cut.kept).toBeLessThan(6);
  expect((await samples(bytes.subarray(0, -1024))).damage).toHaveLength(1);
  const overwritten = Buffer.from(bytes);
  overwritten.fill(0x55, bytes.length / 2, bytes.length / 2 + 4096);
  const { kept, damage } = await samples(overwritten);
  expect(damage).toEqual([expect.stringMatching(/damaged\.tar is damaged at byte \d+/)]);
  expect(kept).toBeLessThan(6);
});

test('Parquet that is cut off', async () => {
  const sound = path.resolve(__dirname, '../../fixtures/data/flat.gzip.parquet');
  const cut = write(folder, 'cut.parquet', fs.readFileSync(sound).subarray(0, -100));
  const damage: string[] = [];
  const rows = await read(
    streams.parquet([cut, sound], { onDamage: 'skip' }).open({ onDamage: ({ message }) => damage.push(message) }),
  );
  expect(rows).toEqual(await read(streams.parquet(sound)));
  expect(damage).toEqual([expect.stringMatching(/cut\.parquet cannot be read as Parquet/)]);
});

test('where nothing at all can be read, skipping is no way out', async () => {
  const stream = streams.jsonl(path.join(folder, 'missing.jsonl'), { onDamage: 'skip' });
  await expect(read(stream.open({ onDamage: () => {} }))).rejects.toMatchObject({
    code: 'ERR_DATA',
    message: expect.stringMatching(/Not one sample/) as string,
  });
});
