/**
 * Fills a folder, then writes over what stands there when files may have no more than so many bytes, and prints what came of each way of
 * writing; in between, the folder is copied.
 */
import { execFileSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import path from 'node:path';

import { ByteTokenizer } from '../../../lib/data/byte-tokenizer';
import type { TorchwrightError } from '../../../lib/errors';
import { replaceFolder, writeFileAtomically } from '../../../lib/files';
import { ResidualLlama } from '../../../lib/residual';
import { savePytorch, saveSafetensors, torch } from '../../../lib/tensor';

const [folder, copy, limit] = process.argv.slice(2) as [string, string, string];
const at = (name: string) => path.join(folder, name);

async function main(): Promise<void> {
  const big = torch.zeros([100_000]);
  const model = ResidualLlama.create({ vocabSize: 2000, hiddenSize: 16, numHiddenLayers: 1, numAttentionHeads: 2 });
  model.tokenizer = new ByteTokenizer();
  const ways: Record<string, () => Promise<unknown>> = {
    'x.safetensors': () => saveSafetensors(at('x.safetensors'), [['x', big]]),
    'x.pt': () => savePytorch(at('x.pt'), new Map([['x', big]])),
    'x.txt': () => writeFileAtomically(at('x.txt'), 'x'.repeat(400_000)),
    replaced: () => replaceFolder(at('replaced'), (empty) => model.save(empty)),
    model: () => model.save(at('model')),
    sharded: () => model.save(at('sharded'), { maxShardBytes: 10_000 }),
  };
  for (const write of Object.values(ways)) await write();
  cpSync(folder, copy, { recursive: true });
  execFileSync('prlimit', [`--fsize=${limit}`, '--pid', String(process.pid)]);
  const results: Record<string, string> = {};
  for (const [name, write] of Object.entries(ways)) {
    results[name] = await write().then(
      () => 'written',
      (error: TorchwrightError) => `${error.code} ${error.message}`,
    );
  }
  console.log(JSON.stringify(results));
}
void main();
