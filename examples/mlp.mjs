/**
 * Trains a small network on two spirals, with nothing but `nn` and `optim`: batches, a schedule, clipping, averaged weights, and a
 * checkpoint that training goes on from. After `npm run build`:
 *
 *     node examples/mlp.mjs                     60 epochs: some seconds, into runs/mlp.pt
 *     node examples/mlp.mjs runs/mlp.pt 90      goes on from there up to epoch 90
 */
import fs from 'node:fs';
import path from 'node:path';

import { F, nn, optim, slice, torch } from 'torchwright';

const [file = 'runs/mlp.pt', epochs = '60'] = process.argv.slice(2);
const last = Number(epochs);

/** `[2 count, 2]` points of two spirals, and which of them each is on. */
function spirals(count) {
  const radius = torch.rand([2 * count]).sqrt();
  const labels = torch.arange(2 * count).remainder(2);
  const angle = radius.mul(2 * Math.PI).add(labels.mul(Math.PI));
  const points = torch.stack([angle.cos(), angle.sin()], 1).mul(radius.unsqueeze(1));
  return { x: points.add(torch.randn([2 * count, 2]).mul(0.02)), labels };
}

/** `[batch, 2]` to `[batch, 2]`: blocks that add to their input, as in residual networks. */
class Mlp extends nn.Module {
  fcIn = new nn.Linear(2, 64);
  blocks = [1, 2].map(() => new nn.Sequential(new nn.LayerNorm(64), new nn.Linear(64, 64), new nn.GELU()));
  fcOut = new nn.Linear(64, 2);

  forward(x) {
    const hidden = this.blocks.reduce((sum, block) => sum.add(block.forward(sum)), this.fcIn.forward(x));
    return this.fcOut.forward(hidden);
  }
}

torch.manualSeed(1);
const train = spirals(1000);
const test = spirals(500);
const net = new Mlp();
const batch = 100;
const steps = train.x.size(0) / batch;
const adam = new optim.AdamW(optim.decayGroups(net, 0.01), { lr: 5e-3 });
const schedule = optim.schedulers.cosineWithWarmup(adam, { warmupSteps: steps, totalSteps: last * steps });
const ema = new optim.ExponentialMovingAverage(net, { decay: 0.99 });

let epoch = 0;
if (fs.existsSync(file)) {
  const saved = await torch.load(file);
  net.loadStateDict(saved.get('net'));
  optim.loadPytorchState(adam, saved.get('adam'));
  epoch = saved.get('epoch');
  // Where the schedule of as many epochs as are wanted now would be.
  for (let step = 0; step < epoch * steps; step++) schedule.step();
  console.log(`goes on after epoch ${epoch}`);
} else console.log(net.summary(test.x));

/** Part of the test points that are told right, by the averaged weights. */
function accuracy() {
  net.eval();
  const score = ema.averaged(() =>
    torch.scope(() => torch.noGrad(() => net.forward(test.x).argmax(1).eq(test.labels).float().mean().item())),
  );
  net.train();
  return score;
}

for (; epoch < last; epoch++) {
  // A scope for the epoch's order, and one for each step: what they make is freed when they end.
  const loss = torch.scope(() => {
    const order = torch.randperm(2000);
    const total = torch.zeros([]);
    for (let start = 0; start < 2000; start += batch) {
      torch.scope(() => {
        const rows = order.at(slice(start, start + batch));
        const loss = F.crossEntropy(net.forward(train.x.at(rows)), train.labels.at(rows));
        adam.zeroGrad();
        loss.backward();
        optim.clipGradNorm(net.parameters(), 1);
        adam.step();
        schedule.step();
        ema.update();
        total.add_(loss.detach());
      });
    }
    return total.item() / steps;
  });
  if ((epoch + 1) % 10 === 0 || epoch + 1 === last) {
    console.log(`epoch ${epoch + 1}: loss ${loss.toFixed(4)}, accuracy ${accuracy().toFixed(3)}`);
  }
}

fs.mkdirSync(path.dirname(path.resolve(file)), { recursive: true });
await torch.save(file, { net: net.stateDict(), adam: optim.toPytorchState(adam), epoch }); // torch.load reads it in Python, too
console.log(`the checkpoint is ${file}`);
