import fs from 'node:fs';
import fsPromises from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import { StorageError } from '../../../lib/errors';
import { AppendedFile } from '../../../lib/train/record/appended-file';

let folder: string;
let file: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'appended-'));
  file = path.join(folder, 'file');
});
afterEach(() => {
  jest.restoreAllMocks();
  fs.rmSync(folder, { recursive: true });
});

const read = () => fs.readFileSync(file, 'utf8');
const bytes = (text: string) => Buffer.from(text);
const rethrow = (error: Error) => {
  throw error;
};

test('what was added is there after a flush, and at the end', async () => {
  const appended = await AppendedFile.open(file, rethrow);
  appended.add(bytes('a\n'));
  appended.add(bytes('b\n'));
  await appended.flush();
  expect(read()).toBe('a\nb\n');
  appended.add(bytes('c\n'));
  await appended.close();
  expect(read()).toBe('a\nb\nc\n');
});

test('a file that is there is gone on with', async () => {
  fs.writeFileSync(file, 'before\n');
  const appended = await AppendedFile.open(file, rethrow);
  appended.add(bytes('after\n'));
  await appended.close();
  expect(read()).toBe('before\nafter\n');
});

test('many pieces come out in order, whoever waits for them', async () => {
  const appended = await AppendedFile.open(file, rethrow);
  const lines = Array.from({ length: 5000 }, (_, index) => `${index} ${'x'.repeat(400)}\n`);
  const flushes = lines.map((line, index) => {
    appended.add(bytes(line));
    return index % 500 === 0 ? appended.flush() : Promise.resolve();
  });
  await Promise.all(flushes);
  await appended.close();
  expect(read()).toBe(lines.join(''));
});

/** A disk that takes so many bytes. */
function fillUpAfter(room: number): { more(bytes: number): void } {
  const disk = { room, more: (count: number) => void (disk.room += count) };
  const open = fsPromises.open.bind(fsPromises);
  jest.spyOn(fsPromises, 'open').mockImplementation(async (...given) => {
    const handle = await open(...given);
    const write = handle.write.bind(handle) as (...args: unknown[]) => Promise<{ bytesWritten: number }>;
    handle.write = (async (data: Buffer, offset: number, length: number, position: number) => {
      const taken = Math.min(length, disk.room);
      if (taken === 0) throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
      disk.room -= taken;
      return write(data, offset, taken, position);
    }) as typeof handle.write;
    return handle;
  });
  return disk;
}

test('where there is no room, no half a piece stays, and what is missing is written once there is', async () => {
  const disk = fillUpAfter(9);
  const told: StorageError[] = [];
  const appended = await AppendedFile.open(file, (error) => told.push(error));
  appended.add(bytes('first\n'));
  await appended.flush();
  appended.add(bytes('second\n'));
  await appended.flush();
  expect(read()).toBe('first\n');
  expect(told).toHaveLength(1);
  expect(told[0]).toMatchObject({ code: 'ERR_STORAGE', message: expect.stringContaining(file) });
  appended.add(bytes('third\n'));
  disk.more(100);
  await appended.flush();
  expect(read()).toBe('first\nsecond\nthird\n');
  await appended.close();
});

test('a failure can stop what adds', async () => {
  fillUpAfter(0);
  const appended = await AppendedFile.open(file, rethrow);
  appended.add(bytes('first\n'));
  await expect(appended.flush()).rejects.toMatchObject({ code: 'ERR_STORAGE' });
  await expect(appended.close()).rejects.toMatchObject({ code: 'ERR_STORAGE' });
});

test('a file that cannot be opened is named', async () => {
  await expect(AppendedFile.open(path.join(folder, 'no', 'file'), rethrow)).rejects.toMatchObject({
    code: 'ERR_STORAGE',
    message: expect.stringContaining(path.join('no', 'file')),
  });
});
