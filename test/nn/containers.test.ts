/** Modules that hold others: names, access, growth. */
import * as nn from '../../lib/nn';
import { torch } from '../../lib/tensor';

const names = (module: nn.Module) => [...module.stateDict().keys()];
const code = (fn: () => unknown): string => {
  try {
    fn();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'none';
};

test('Sequential by position and by name', () => {
  const numbered = new nn.Sequential(new nn.Linear(2, 3), new nn.ReLU()).append(new nn.Linear(3, 1, { bias: false }));
  expect(names(numbered)).toEqual(['0.weight', '0.bias', '2.weight']);
  expect([numbered.length, numbered.at(-1), [...numbered].length]).toEqual([3, numbered.at(2), 3]);
  const named = new nn.Sequential({ first: new nn.Linear(2, 3), keptAsIs: new nn.ReLU() });
  expect(Array.from(named.namedChildren(), ([name]) => name)).toEqual(['first', 'keptAsIs']);
  expect(named.forward(torch.ones([1, 2])).shape).toEqual([1, 3]);
  expect(new nn.Sequential().forward(torch.ones([2])).shape).toEqual([2]);
});

test('ModuleList and ModuleDict', () => {
  class Net extends nn.Module {
    readonly list = new nn.ModuleList([new nn.Linear(1, 1), new nn.Linear(1, 2)]);
    readonly byName = new nn.ModuleDict({ leftHand: new nn.Linear(1, 1, { bias: false }) });
    override forward() {}
  }
  const net = new Net();
  net.list
    .append(new nn.Linear(1, 3))
    .insert(0, new nn.Linear(1, 4))
    .extend([new nn.Linear(1, 5)]);
  net.list.set(1, new nn.Linear(1, 6));
  expect(Array.from(net.list, (layer) => layer.outFeatures)).toEqual([4, 6, 2, 3, 5]);
  net.byName.set('other', new nn.Linear(1, 2, { bias: false }));
  expect(names(net).slice(-2)).toEqual(['by_name.leftHand.weight', 'by_name.other.weight']);
  expect([net.byName.get('other').outFeatures, net.byName.size, [...net.byName.keys()]]).toEqual([
    2,
    2,
    ['leftHand', 'other'],
  ]);
  expect(net.byName.delete('leftHand')).toBe(true);
  expect(net.byName.has('leftHand')).toBe(false);
  expect(code(() => net.list.at(9))).toBe('ERR_ARGUMENT');
  expect(code(() => net.byName.get('none'))).toBe('ERR_ARGUMENT');
  expect(code(() => net.byName.set('a.b', new nn.ReLU() as never))).toBe('ERR_ARGUMENT');
  expect(code(() => net.list.append(3 as never))).toBe('ERR_ARGUMENT');
  expect(code(() => net.list.forward())).toBe('ERR_ARGUMENT');
  expect(code(() => new nn.ModuleList(3 as never))).toBe('ERR_ARGUMENT');
  expect(code(() => new nn.Sequential(3 as never))).toBe('ERR_ARGUMENT');
});

test('ParameterList and ParameterDict make parameters of tensors', () => {
  const list = new nn.ParameterList([torch.ones([2])]).append(torch.zeros([3])).extend([torch.ones([1])]);
  expect(names(list)).toEqual(['0', '1', '2']);
  expect([list.length, list.at(-2).shape, list.at(0).requiresGrad]).toEqual([3, [3], true]);
  const dict = new nn.ParameterDict({ left: torch.ones([2]) }).set('right', torch.ones([3]));
  expect(names(dict)).toEqual(['left', 'right']);
  expect([dict.get('right').shape, dict.size, dict.has('up')]).toEqual([[3], 2, false]);
  expect(code(() => list.append([1] as never))).toBe('ERR_ARGUMENT');
  expect(code(() => dict.get('up'))).toBe('ERR_ARGUMENT');
});
