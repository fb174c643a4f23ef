/** What a training's process holds before it holds a model. */
import { AdamW } from '../../optim';
import { ResidualLlama } from '../../residual';
import { torch } from '../../tensor';
import { autocastOf, type Precision } from '../../train/config';

/**
 * Resident memory of this process without tensors, once a training step has brought in what one needs of libtorch: taken after two steps of a model
 * of next to no size. The study's data are ready by then, as they are in its training.
 */
export function processMemory(precision: Precision): number {
  const sizes = { vocabSize: 64, hiddenSize: 32, numHiddenLayers: 2, numAttentionHeads: 2 };
  using model = ResidualLlama.create(sizes);
  using optimizer = new AdamW(model.parameters(), { lr: 0 });
  const enabled = autocastOf(precision) !== null;
  const step = () => {
    const ids = torch.zeros([2, 16], { dtype: 'int64' });
    const loss = torch.autocast({ device: 'cpu', enabled }, () => model.loss(ids));
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
  };
  const state = torch.getRngState();
  for (let count = 0; count < 2; count++) torch.scope(step);
  torch.setRngState(state);
  state.dispose();
  return process.memoryUsage.rss() - torch.memory.device('cpu').allocated;
}
