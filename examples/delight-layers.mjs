/**
 * DeLighT's layers by themselves: a network around one DeLighT transformation and one of dense layers learn the same function of 64
 * numbers, the first with less than a third of the other's parameters. After `npm run build`:
 *
 *     node examples/delight-layers.mjs            300 steps: some seconds
 */
import { DelightTransformation, nn, optim, torch } from 'torchwright';

const [steps = '300'] = process.argv.slice(2);
torch.manualSeed(1);

/** Eight group linear layers: 64 features narrow to 32, widen up to 128 and narrow again; then one output. */
class Light extends nn.Module {
  unit = new DelightTransformation({
    inFeatures: 64,
    projFeatures: 32,
    outFeatures: 64,
    depth: 8,
    widthMultiplier: 2,
    maxGroups: 8,
  });
  output = new nn.Linear(64, 1);

  forward(x) {
    return this.output.forward(this.unit.forward(x)); // [rows, 64] -> [rows, 1]
  }
}
const dense = new nn.Sequential(
  new nn.Linear(64, 256),
  new nn.ReLU(),
  new nn.Linear(256, 256),
  new nn.ReLU(),
  new nn.Linear(256, 1),
);
const light = new Light();
console.log(
  'group linear layers:',
  light.unit.plan.layers.map((l) => `${l.inFeatures}>${l.outFeatures} g${l.groups}`).join(', '),
);

const x = torch.randn([1024, 64]);
const y = x.narrow(1, 0, 8).sin().sum({ dim: 1, keepdim: true });
for (const [name, net] of Object.entries({ dense, light })) {
  const parameters = [...net.parameters()].reduce((sum, parameter) => sum + parameter.numel, 0);
  const adam = new optim.AdamW(net.parameters(), { lr: 2e-3, weightDecay: 0 });
  for (let step = 1; step <= Number(steps); step++) {
    torch.scope(() => {
      const loss = nn.functional.mseLoss(net.forward(x), y);
      adam.zeroGrad();
      loss.backward();
      adam.step();
      if (step === Number(steps))
        console.log(`${name}: ${parameters} parameters, loss ${loss.item().toFixed(4)} after ${step} steps`);
    });
  }
}
