import fs from 'node:fs';
import path from 'node:path';

import { extract } from '../../lib/setup/unzip';
import { recordingProgress, temporaryFolder } from './fakes';
import { makeZip, type ZipEntry } from './zip';

const folder = temporaryFolder();
const out = () => path.join(folder(), 'out', 'inner');

function unpack(entries: ZipEntry[], place: (name: string) => string | undefined = (name) => name): Promise<void> {
  const zip = path.join(folder(), 'a.zip');
  fs.writeFileSync(zip, makeZip(entries));
  return extract(zip, out(), place, recordingProgress());
}

/** Every file below the test's folder but the zip. */
const files = () =>
  fs
    .readdirSync(folder(), { recursive: true, encoding: 'utf8' })
    .filter((name) => name !== 'a.zip' && fs.statSync(path.join(folder(), name)).isFile());

test('takes the chosen files to their places and leaves the rest', async () => {
  await unpack(
    [
      { name: 'libtorch/', mode: 0o40755 },
      { name: 'libtorch/lib/a.so', data: 'A' },
      { name: 'libtorch/share/b.txt', data: 'B' },
    ],
    (name) => /^libtorch\/(lib\/.+)$/.exec(name)?.[1],
  );
  expect(files()).toEqual(['out/inner/lib/a.so']);
  expect(fs.readFileSync(path.join(out(), 'lib/a.so'), 'utf8')).toBe('A');
});

test.each(['../evil', 'lib/../../evil', '/evil', 'lib/..\\..\\..\\evil'])(
  '%s does not get out of the folder',
  async (name) => {
    await expect(unpack([{ name, data: 'x' }])).rejects.toMatchObject({ code: 'ERR_LOAD' });
    expect(files()).toEqual([]);
  },
);

test('nor does a place outside', async () => {
  await expect(unpack([{ name: 'a', data: 'x' }], () => '../evil')).rejects.toThrow('outside');
  expect(files()).toEqual([]);
});

test('links are refused', async () => {
  await expect(unpack([{ name: 'lib/link', data: '/etc/passwd', mode: 0o120777 }])).rejects.toThrow('link');
  expect(files()).toEqual([]);
});

test('a damaged entry is noticed', async () => {
  await expect(unpack([{ name: 'a', data: 'text', crc: 1 }])).rejects.toThrow('CRC-32');
});

test('an archive whose wide directory would lie beyond any file is refused', async () => {
  const zip = path.join(folder(), 'a.zip');
  const locator = Buffer.alloc(20);
  locator.write('PK\x06\x07', 'latin1');
  locator.writeBigUInt64LE(2n ** 63n, 8);
  const whole = makeZip([{ name: 'a', data: 'text' }]);
  fs.writeFileSync(zip, Buffer.concat([whole.subarray(0, -22), locator, whole.subarray(-22)]));
  await expect(extract(zip, out(), (name) => name, recordingProgress())).rejects.toMatchObject({ code: 'ERR_LOAD' });
  expect(files()).toEqual([]);
});

test('what is no zip is refused', async () => {
  const zip = path.join(folder(), 'a.zip');
  fs.writeFileSync(zip, '<html>not found</html>'.repeat(100));
  await expect(extract(zip, out(), (name) => name, recordingProgress())).rejects.toMatchObject({ code: 'ERR_LOAD' });
});
