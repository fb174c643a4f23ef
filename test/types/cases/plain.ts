/** A plain Tensor is always usable, and a known one is a Tensor. */
import { nn, torch, type Dtype, type Tensor } from '../../../lib';
import { expectType } from './expect';

declare const plain: Tensor;
declare const known: Tensor<'float32', 2>;

function takesAny(x: Tensor): Tensor {
  return x;
}
takesAny(known);
takesAny(torch.zeros([2, 3], { dtype: 'int64' }));
const list: Tensor[] = [known, torch.tensor(1n), plain];
const named: Record<string, Tensor> = { known, plain };
const map = new Map<string, Tensor>([
  ['known', known],
  ['plain', plain],
]);
expectType<Tensor<Dtype, number>>()(plain);

// What comes of a plain tensor goes back into its variable.
let x: Tensor = torch.zeros([2, 3]);
x = x.view([6]);
let y = plain;
y = y.add(known).mul(plain).div(2).exp();
y = y.sum();
y = y.unsqueeze(0).mean([0], true).reshape([1, -1]).matmul(plain);
y = y.at(0).gt(plain).float();
y = torch.cat([plain, known]);
y = torch.stack(list).flatten();
let z = plain.exp();
z = z.add(plain);
let total = plain.sum();
total = total.add(plain);
let shaped = plain.view([2, -1]);
shaped = takesAny(shaped);
let loss = nn.functional.mseLoss(known, plain);
loss = loss.add(plain);

// A known tensor is narrower; a plain one takes its place only where one says so.
const asserted = plain as Tensor<'float32', 2>;
// @ts-expect-error a plain tensor may have any dtype and rank
const narrowed: Tensor<'float32', 2> = plain;
// @ts-expect-error another rank
const other: Tensor<'float32', 1> = known;
// @ts-expect-error another dtype
const whole: Tensor<'int64', 2> = known;
const rankOnly: Tensor<Dtype, 2> = known;
const dtypeOnly: Tensor<'float32'> = known;
const either: Tensor<'float32' | 'float64', 1 | 2> = known;

const module = new nn.Linear(3, 4);
y = module.forward(known);
x = module.forward(x);

export { loss, shaped, x, y };
export { asserted, dtypeOnly, either, map, named, narrowed, other, rankOnly, total, whole, z };
