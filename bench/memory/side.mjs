/** One side of the comparison, in a process of its own: `plan` or `train`, and a study as JSON. Prints JSON. */
import { createRequire } from 'node:module';

const { planStudy, trainStudy, torch } = createRequire(import.meta.url)('../../dist/index.js');

const [, , what, text] = process.argv;
const study = JSON.parse(text);
if (what === 'plan') {
  const model = study.task === undefined ? study.model.residual : undefined;
  const { trainings } = await planStudy(study, { model });
  console.log(JSON.stringify(trainings[0].memory));
} else {
  // Three steps are what is measured: evaluating and scoring would only take time.
  const controller = new AbortController();
  let training = 0;
  let tensors = 0;
  const onEvent = (event) => {
    if (event.type !== 'step') return;
    training = process.resourceUsage().maxRSS * 1024;
    tensors = torch.memory.device('cpu').peak;
    if (event.step === 3) controller.abort();
  };
  const out = `${study.output}/${study.name}`;
  await trainStudy(study, { out, onEvent, signal: controller.signal }).catch((error) => {
    if (error.code !== 'ERR_ABORTED') throw error;
  });
  console.log(JSON.stringify({ training, tensors }));
}
