/** Plans a study, trains three steps of it in this process, and prints both peaks. Argument: a folder with `corpus.txt`. */
import path from 'node:path';

import { planStudy, trainStudy, type AnyStudyInput } from '../../../lib/study';
import { torch } from '../../../lib/tensor';

async function main(folder: string): Promise<void> {
  const study: AnyStudyInput = {
    task: 'language-model',
    name: 'measured',
    data: { corpus: path.join(folder, 'corpus.txt'), validation: 0.2, blockSize: 128 },
    models: { DeLighT: { type: 'delight', hiddenSize: 128, vocabSize: 4000, decoder: { maxDepth: 6 } } },
    train: { maxSteps: 100, batchSize: 12 },
    output: folder,
  };
  const { trainings } = await planStudy(study);
  const controller = new AbortController();
  let measured = 0;
  let tensors = 0;
  const onEvent = (event: { type: string; step?: number }) => {
    if (event.type !== 'step') return;
    measured = process.resourceUsage().maxRSS * 1024;
    tensors = torch.memory.device('cpu').peak;
    if (event.step === 3) controller.abort();
  };
  const stopped = trainStudy(study, { out: path.join(folder, 'measured'), onEvent, signal: controller.signal });
  await stopped.catch((error: { code?: string }) => {
    if (error.code !== 'ERR_ABORTED') throw error as Error;
  });
  console.log(JSON.stringify({ planned: trainings[0]!.memory.training.total, measured, tensors }));
}

void main(process.argv[2]!);
