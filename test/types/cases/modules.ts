/** Modules: what layers give, what hooks are given, and what the compiler refuses. */
import { nn, torch, type Tensor } from '../../../lib';
import { expectType } from './expect';

class Block extends nn.Module {
  readonly linear = new nn.Linear(4, 2, { bias: false, dtype: 'float64' });
  override forward(x: Tensor, scale: number): [Tensor, string] {
    return [this.linear.forward(x).mul(scale), 'note'];
  }
}
const block = new Block();
const x: Tensor = torch.ones([1, 4]);

expectType<Tensor>()(block.forward(x, 2)[0]);
expectType<Block>()(block.clone().train().eval().half().to('cuda').requiresGrad_());
block.registerForwardPreHook((module, [input, scale]) => {
  expectType<Block>()(module);
  expectType<Tensor>()(input);
  expectType<number>()(scale);
});
block.registerForwardHook((_module, _inputs, [output, note]) => {
  expectType<Tensor>()(output);
  expectType<string>()(note);
});
expectType<string>()(block.summary(x, 2));
expectType<string>()(block.summary());
// @ts-expect-error summary takes what forward takes
block.summary(x);

// Poolings give indices only where they were asked for.
expectType<Tensor>()(new nn.MaxPool2d(2).forward(x));
const [pooled, indices] = new nn.MaxPool2d(2, { returnIndices: true }).forward(x);
expectType<Tensor>()(pooled);
expectType<Tensor>()(indices);
expectType<Tensor>()(new nn.AdaptiveMaxPool1d(2).forward(x));
new nn.Sequential(
  new nn.Conv2d(3, 4, 3),
  new nn.MaxPool2d(2),
  new nn.Flatten(),
  new nn.LeakyReLU({ negativeSlope: 0.1 }),
);
// @ts-expect-error a layer that gives two tensors cannot stand in a Sequential
new nn.Sequential(new nn.MaxPool2d(2, { returnIndices: true }));
// @ts-expect-error nor can one that takes two
new nn.Sequential(new nn.MSELoss());

expectType<[Tensor, [Tensor, Tensor]]>()(new nn.LSTM(3, 4).forward(x));
expectType<[nn.PackedSequence, Tensor]>()(new nn.GRU(3, 4).forward(nn.utils.rnn.packSequence([x])));

// @ts-expect-error there is no such option
new nn.Linear(4, 2, { biased: false });
// @ts-expect-error nor such a padding
new nn.Conv2d(3, 4, 3, { padding: 'full' });
// @ts-expect-error options are not positional
new nn.Conv2d(3, 4, 3, 1, 1);
// @ts-expect-error nor such a reduction
new nn.CrossEntropyLoss({ reduction: 'average' });
// @ts-expect-error dim is needed
new nn.Softmax();
// @ts-expect-error the mask is an option
new nn.MultiheadAttention(4, 2).forward(x, x, x, x);
// @ts-expect-error a state is pairs of names and tensors
block.loadStateDict({ weight: x });
