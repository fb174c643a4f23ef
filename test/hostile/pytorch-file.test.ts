/** Pickles and files of torch.save that are damaged or made to harm: read as plain data, or refused with a CheckpointError. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import fc from 'fast-check';

import { loadPytorch, savePytorch, scope, torch, type Tensor } from '../../lib/tensor';
import { readPickle } from '../../lib/tensor/files/pickle';
import { temporaryFolder } from '../data/temporary';
import { damaged, damages, outcome } from './damage';

const folder = temporaryFolder();
const file = path.join(folder, 'x.pt');
const refusal = { code: 'ERR_CHECKPOINT' };
const refusedOrRead = (result: object) => {
  if ('code' in result) expect(result).toEqual(refusal);
};

test('whatever bytes a pickle has, it is read or refused', async () => {
  // Mostly opcodes that do something, so that the machine gets somewhere.
  const opcodes = [
    ...Buffer.from('.(0N\x88\x89KMJG\x8aX\x8c})]\x8f\x85\x86\x87tldaesu\x90qrhj\x94c\x93R\x81bQ', 'latin1'),
  ];
  const bytes = fc.array(fc.oneof(fc.constantFrom(...opcodes), fc.nat(255)), { maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(bytes, async (content) => {
      refusedOrRead(await outcome(() => readPickle(Uint8Array.from([0x80, 2, ...content]), 'pickle')));
    }),
    { numRuns: 1000 },
  );
});

test.each([
  ['os.system', 'cposix\nsystem\n(X\x05\x00\x00\x00falsetR.'],
  ['eval', 'cbuiltins\neval\n(X\x01\x00\x00\x001tR.'],
  ['a name like a prototype', 'c__proto__\nconstructor\n.'],
  ['a length beyond the file', 'X\xff\xff\xff\x7f.'],
  ['a length of 64 bits', '\x8d\xff\xff\xff\xff\xff\xff\xff\xff.'],
])('a pickle with %s is refused', async (_name, content) => {
  const bytes = Buffer.from(`\x80\x02${content}`, 'latin1');
  expect(await outcome(() => readPickle(bytes, 'pickle'))).toEqual(refusal);
});

test('whatever bytes of a file of torch.save are damaged, it is read or refused', async () => {
  await scope(() =>
    savePytorch(
      file,
      new Map<string, Tensor>([
        ['a', torch.ones([2, 3])],
        ['b', torch.zeros([4]).to('int64')],
      ]),
    ),
  );
  const whole = fs.readFileSync(file);
  await fc.assert(
    fc.asyncProperty(damages, async (damage) => {
      fs.writeFileSync(file, damaged(whole, damage));
      refusedOrRead(await outcome(() => scope(async () => (await loadPytorch(file)).size)));
    }),
    { numRuns: 200 },
  );
});

test('pipes, devices and folders are refused, none is waited for', async () => {
  const pipe = path.join(folder, 'pipe.pt');
  execFileSync('mkfifo', [pipe]);
  for (const place of [folder, pipe, '/dev/zero', `${file}\0`]) {
    expect(await outcome(() => loadPytorch(place))).toEqual(refusal);
  }
});
