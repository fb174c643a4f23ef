/**
 * Trains some steps in a process of its own and prints how much its resident memory grew at the peak, and what was estimated.
 * Arguments: the variant, the precision, and `true` for activation checkpointing.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { ResidualLlama, modelCost } from '../../lib/residual';
import { Trainer } from '../../lib/train';

const batch = 4;
const time = 256;

const resident = (key: 'VmRSS' | 'VmHWM') =>
  Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(fs.readFileSync('/proc/self/status', 'utf8'))![1]) * 1024;

async function main(residual: string, precision: 'float32' | 'bf16', activationCheckpointing: boolean): Promise<void> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'torchwright-memory-'));
  const file = path.join(folder, 'tokens');
  const tokens = 2 * batch * time;
  fs.writeFileSync(
    file,
    Uint16Array.from({ length: tokens }, (_, index) => (index * 7) % 1000),
  );
  const offsets = Float64Array.from({ length: 2 * batch }, (_, index) => index * time);
  const blocks = { file, dtype: 'uint16' as const, blockSize: time, offsets, tokens };
  const before = resident('VmRSS');
  const model = ResidualLlama.create({
    vocabSize: 8192,
    hiddenSize: 256,
    intermediateSize: 688,
    numHiddenLayers: 8,
    numAttentionHeads: 8,
    numKeyValueHeads: 4,
    residual,
    activationCheckpointing,
  });
  const estimated = modelCost(model.config, { time, batch, precision }).memory.training;
  const data = { train: blocks, validation: blocks };
  const options = { data, maxSteps: 2, batchSize: batch, evalBatchSize: batch, precision };
  let measured = 0;
  for await (const event of new Trainer(model, options))
    if (event.type === 'step') measured = resident('VmHWM') - before;
  fs.rmSync(folder, { recursive: true });
  console.log(JSON.stringify({ measured, estimated }));
}

const [, , variant, type, checkpointing] = process.argv;
void main(variant!, type as 'float32' | 'bf16', checkpointing === 'true');
