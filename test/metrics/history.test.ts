import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import { cutHistory, HistoryReader, historyName, readHistory, recordsOf, type HistoryRecord } from '../../lib/metrics';

let folder: string;
beforeEach(async () => {
  folder = await fs.mkdtemp(path.join(os.tmpdir(), 'history-'));
});
afterEach(() => fs.rm(folder, { recursive: true, force: true }));

const step = (number: number) => ({
  type: 'step',
  step: number,
  seconds: number / 10,
  epoch: number / 100,
  loss: 3 - number / 100,
  gradNorm: 1,
  learningRate: 1e-3,
  tokens: 64,
  tokensPerSecond: 640,
  split: { data: 0, forward: 0.04, backward: 0.05, optimizer: 0.01 },
});
const start = {
  type: 'start',
  time: '2031-05-04T13:07:59.000Z',
  step: 0,
  totalSteps: 10,
  parameters: 123,
  config: { seed: 1 },
  device: 'cpu',
  versions: {},
};
const evaluation = (number: number) => ({
  type: 'evaluation',
  step: number,
  seconds: number / 10,
  epoch: 0.1,
  metrics: { eval_loss: 2 },
  best: true,
});
const end = { type: 'end', step: 4, seconds: 0.5, reason: 'stopped', metrics: {} };

const deep = `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`;

const file = () => path.join(folder, historyName);
const lines = (records: readonly object[]) => records.map((record) => `${JSON.stringify(record)}\n`).join('');
const write = (...records: object[]) => fs.writeFile(file(), lines(records));
const steps = (records: readonly HistoryRecord[]) => recordsOf(records, 'step').map((record) => record.step);

describe('readHistory', () => {
  it('gives typed records in order', async () => {
    await write(start, step(1), evaluation(1), step(2));
    const records = await readHistory(folder);
    expect(records.map(({ type }) => type)).toEqual(['start', 'step', 'evaluation', 'step']);
    expect(recordsOf(records, 'evaluation')[0]?.metrics).toEqual({ eval_loss: 2 });
    expect(records[1]).toEqual(step(1));
  });

  it('has nothing of a folder without the file', async () => {
    expect(await readHistory(folder)).toEqual([]);
  });

  it('leaves out a last line that was cut off, also within a character', async () => {
    const sample = { type: 'sample', step: 1, seconds: 1, samples: [{ source: 'ß', reference: null, text: 'ü' }] };
    const bytes = Buffer.from(lines([step(1), sample]));
    await fs.writeFile(file(), bytes.subarray(0, bytes.indexOf('ß') + 1));
    expect(steps(await readHistory(folder))).toEqual([1]);
  });

  it('reads what was not finite as NaN', async () => {
    const broken = { loss: NaN, gradNorm: Infinity, tokensPerSecond: -Infinity, mfu: NaN, metrics: { accuracy: NaN } };
    await write({ ...step(1), ...broken });
    const [record] = recordsOf(await readHistory(folder), 'step');
    expect(record).toMatchObject({ ...broken, gradNorm: NaN, tokensPerSecond: NaN });
  });

  it('reads files larger than one piece', async () => {
    const many = Array.from({ length: 3000 }, (_, index) => step(index + 1));
    await write(...many);
    expect(steps(await readHistory(folder))).toEqual(many.map((record) => record.step));
  });

  it.each([
    [
      'options without a bottom',
      `${JSON.stringify(start).replace('{"seed":1}', deep)}\n`,
      /metrics\.jsonl:1 .*config: is nested deeper/,
    ],
    ['a line without an end', 'x'.repeat(2 ** 26 + 1), /metrics\.jsonl:1 .* more than 67108864 bytes/],
    ['what is not JSON', `${lines([step(1)])}{"type":\n`, /metrics\.jsonl:2 is not a record.*not JSON/],
    ['an unknown type', `${lines([start, step(1)])}{"type":"pause"}\n`, /metrics\.jsonl:3/],
    ['a field of the wrong kind', lines([{ ...step(1), loss: 'low' }]), /metrics\.jsonl:1 .*loss/],
    ['an empty line in the middle', `${lines([step(1)])}\n${lines([step(2)])}`, /metrics\.jsonl:2/],
  ])('names file and line of %s', async (_, text, message) => {
    await fs.writeFile(file(), text);
    await expect(readHistory(folder)).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringMatching(message),
    });
  });
});

describe('HistoryReader', () => {
  it('gives what was added, and half a line once it is whole', async () => {
    const reader = new HistoryReader(folder);
    expect(await reader.read()).toEqual({ records: [], anew: false });
    await write(start, step(1));
    expect((await reader.read()).records).toHaveLength(2);
    const [first, second] = [lines([step(2)]).slice(0, 30), lines([step(2)]).slice(30)];
    await fs.appendFile(file(), first);
    expect((await reader.read()).records).toEqual([]);
    await fs.appendFile(file(), second);
    expect(steps((await reader.read()).records)).toEqual([2]);
    await fs.appendFile(file(), '{}\n');
    await expect(reader.read()).rejects.toMatchObject({ message: expect.stringMatching(/metrics\.jsonl:4/) });
  });

  it('begins anew when the training was resumed, even where the file is longer than before', async () => {
    const reader = new HistoryReader(folder);
    await write(start, step(1), step(2));
    await reader.read();
    await cutHistory(folder, 1);
    await fs.appendFile(file(), lines([step(2), step(3), step(4)]));
    const { records, anew } = await reader.read();
    expect([anew, steps(records)]).toEqual([true, [1, 2, 3, 4]]);
  });

  it('reads a long file piece by piece', async () => {
    const many = Array.from({ length: 3000 }, (_, index) => step(index + 1));
    await write(start, ...many);
    const pieces: number[] = [];
    const read: number[] = [];
    for await (const { records } of new HistoryReader(folder).pieces()) {
      pieces.push(records.length);
      read.push(...steps(records));
    }
    expect(read).toEqual(many.map(({ step }) => step));
    expect(pieces.length).toBeGreaterThan(5);
  });

  it('goes on after a damaged line where somebody is told of it', async () => {
    const damage: string[] = [];
    const reader = new HistoryReader(folder, ({ message }) => damage.push(message));
    await write(start, step(1));
    await fs.appendFile(file(), `}{\n${lines([step(2)])}`);
    expect(steps((await reader.read()).records)).toEqual([1, 2]);
    expect(damage).toEqual([expect.stringMatching(/metrics\.jsonl:3 .* not JSON/)]);
  });
});

describe('cutHistory', () => {
  it('keeps what was so at the step, and tells its seconds', async () => {
    await write(start, step(1), step(2), evaluation(2), step(3), step(4), end);
    expect(await cutHistory(folder, 2)).toBe(0.2);
    const records = await readHistory(folder);
    expect(records.map(({ type, step }) => [type, step])).toEqual([
      ['start', 0],
      ['step', 1],
      ['step', 2],
      ['evaluation', 2],
    ]);
  });

  it('takes away what came after the checkpoint of the step, and will come again', async () => {
    const checkpoint = { type: 'checkpoint', step: 2, seconds: 0.25, folder: 'checkpoints/step-00000002', best: false };
    await write(start, step(1), step(2), checkpoint, end, { ...start, step: 2 }, evaluation(2), step(3));
    await cutHistory(folder, 2);
    expect((await readHistory(folder)).map(({ type }) => type)).toEqual(['start', 'step', 'step', 'checkpoint']);
  });

  it('takes away the end of a training that goes on', async () => {
    await write(start, step(4), end);
    await cutHistory(folder, 4);
    expect((await readHistory(folder)).map(({ type }) => type)).toEqual(['start', 'step']);
  });

  it('makes no file where there is none', async () => {
    expect(await cutHistory(folder, 3)).toBe(0);
    expect(await fs.readdir(folder)).toEqual([]);
  });
});
