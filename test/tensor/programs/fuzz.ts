/**
 * Calls random operators with random arguments, batch after batch; each call must return or throw an error that the
 * package makes. Says in a file which call runs, so that whoever watches knows which one crashed or hangs.
 *
 *     node -r scripts/register.cjs test/tensor/programs/fuzz.ts SEED FIRST_BATCH BATCHES PROGRESS_FILE [CALL|all]
 */
import fs from 'node:fs';

import { TorchwrightError } from '../../../lib/errors';
import { scope, torch, Tensor } from '../../../lib/tensor';
import { callsPerBatch, randomCall, targets } from '../fuzz/calls';
import { Random } from '../fuzz/random';
import { Sabotage, Values } from '../fuzz/values';

const [seed, firstBatch, batches] = process.argv.slice(2, 5).map(Number) as [number, number, number];
const progress = fs.openSync(process.argv[5]!, 'w');
const shown = process.argv[6];
const record = Buffer.alloc(128, 0x20);

function say(batch: number, call: number, name: string): void {
  record.fill(0x20);
  record.write(`${batch} ${call} ${name}`);
  fs.writeSync(progress, record, 0, record.length, 0);
}

const complaints: string[] = [];
const counts = { calls: 0, returned: 0, threw: 0 };

function check(error: unknown, name: string, where: string): void {
  counts.threw++;
  if (error instanceof TorchwrightError || error instanceof Sabotage) return;
  complaints.push(`${where} ${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
}

/** Reads a little of what a call gave, and sometimes goes backward through it. */
function use(result: unknown, random: Random): void {
  const tensor = Array.isArray(result) ? (result as unknown[])[0] : result;
  if (tensor instanceof Tensor && !tensor.isDisposed) useTensor(tensor, random);
}

function useTensor(tensor: Tensor, random: Random): void {
  const { numel, dtype } = tensor;
  if (numel > 10_000) return;
  if (random.chance(0.3) && tensor.requiresGrad && !dtype.startsWith('complex')) tensor.sum().backward();
  if (random.chance(0.3)) tensor.to('float32').dataSync();
}

for (let batch = firstBatch; batch < firstBatch + batches; batch++) {
  const random = new Random(seed * 1_000_003 + batch);
  scope(() => {
    torch.manualSeed(batch);
    const values = new Values(random);
    for (let call = 0; call < callsPerBatch; call++) {
      const target = random.pick(targets);
      say(batch, call, target.name);
      const where = `batch ${batch} call ${call}`;
      counts.calls++;
      try {
        const args = randomCall(target, values);
        if (shown === 'all' || shown === String(call)) console.error(where, target.name, args);
        const result = target.call(args);
        counts.returned++;
        use(result, random);
      } catch (error) {
        check(error, target.name, where);
      }
    }
  });
}
fs.writeSync(progress, Buffer.from('done'.padEnd(record.length)), 0, record.length, 0);
console.log(
  JSON.stringify({ seed, ...counts, complaints: complaints.slice(0, 20), complaintCount: complaints.length }),
);
