/**
 * What is called, in the words of both languages; the names in it are the values that both sides make alike. `repeats` where a call takes
 * much longer than the others.
 */
export const operations = [
  {
    name: 'add',
    python: 'a + b',
    ours:
      ({ a, b }) =>
      () =>
        a.add(b),
  },
  {
    name: 'add as a function',
    python: 'torch.add(a, b)',
    ours:
      ({ torch, a, b }) =>
      () =>
        torch.add(a, b),
  },
  {
    name: 'mul',
    python: 'a * b',
    ours:
      ({ a, b }) =>
      () =>
        a.mul(b),
  },
  {
    name: 'mul by a number',
    python: 'a * 2.5',
    ours:
      ({ a }) =>
      () =>
        a.mul(2.5),
  },
  {
    name: 'add in place',
    python: 'c.add_(b, alpha=1e-3)',
    ours:
      ({ c, b }) =>
      () =>
        c.add_(b, { alpha: 1e-3 }),
  },
  {
    name: 'relu',
    python: 'torch.relu(a)',
    ours:
      ({ torch, a }) =>
      () =>
        torch.relu(a),
  },
  {
    name: 'matmul 2x2',
    python: 'a @ b',
    ours:
      ({ a, b }) =>
      () =>
        a.matmul(b),
  },
  {
    name: 'matmul 64x64',
    python: 'm @ n',
    ours:
      ({ m, n }) =>
      () =>
        m.matmul(n),
    repeats: 5000,
  },
  {
    name: 'sum',
    python: 'a.sum()',
    ours:
      ({ a }) =>
      () =>
        a.sum(),
  },
  {
    name: 'sum by options',
    python: 'a.sum(dim=1, keepdim=True)',
    ours:
      ({ a }) =>
      () =>
        a.sum({ dim: 1, keepdim: true }),
  },
  {
    name: 'view',
    python: 'a.view(4)',
    ours:
      ({ a }) =>
      () =>
        a.view(4),
  },
  {
    name: 'transpose',
    python: 'a.transpose(0, 1)',
    ours:
      ({ a }) =>
      () =>
        a.transpose(0, 1),
  },
  {
    name: 'index by a number',
    python: 'a[0]',
    ours:
      ({ a }) =>
      () =>
        a.at(0),
  },
  {
    name: 'index by a slice',
    python: 'a[:, 1:]',
    ours:
      ({ a, slice }) =>
      () =>
        a.at(slice(), slice(1)),
  },
  {
    name: 'index by a tensor',
    python: 'a[rows]',
    ours:
      ({ a, rows }) =>
      () =>
        a.at(rows),
  },
  {
    name: 'cat',
    python: 'torch.cat([a, b])',
    ours:
      ({ torch, a, b }) =>
      () =>
        torch.cat([a, b]),
  },
  {
    name: 'where',
    python: 'torch.where(mask, a, b)',
    ours:
      ({ torch, mask, a, b }) =>
      () =>
        torch.where(mask, a, b),
  },
  {
    name: 'softmax',
    python: 'torch.softmax(a, -1)',
    ours:
      ({ torch, a }) =>
      () =>
        torch.softmax(a, -1),
  },
  {
    name: 'layerNorm',
    python: 'F.layer_norm(a, (2,), scale, shift)',
    ours: ({ F, a, scale, shift }) => {
      const options = { weight: scale, bias: shift };
      return () => F.layerNorm(a, [2], options);
    },
  },
  {
    name: 'linear',
    python: 'F.linear(a, b, shift)',
    ours:
      ({ F, a, b, shift }) =>
      () =>
        F.linear(a, b, shift),
  },
  {
    name: 'zeros',
    python: 'torch.zeros(2, 2)',
    ours:
      ({ torch }) =>
      () =>
        torch.zeros(2, 2),
  },
  {
    name: 'add recorded for gradients',
    python: 'a + weight',
    ours:
      ({ a, weight }) =>
      () =>
        a.add(weight),
  },
  {
    name: 'foreach: 20 tensors times a number',
    python: 'torch._foreach_mul(many, 0.5)',
    ours:
      ({ foreachMul, many }) =>
      () =>
        foreachMul(many, 0.5),
    repeats: 5000,
    reduce: (tensors) => tensors[7].sum(),
    pythonReduce: 'result[7].sum()',
  },
  {
    name: 'MLP forward',
    python: 'net(x)',
    ours:
      ({ net, x }) =>
      () =>
        net.forward(x),
    repeats: 5000,
  },
  {
    name: 'MLP forward without gradients',
    python: 'with torch.no_grad():\n    result = net(x)',
    ours: ({ net, x, torch }) => {
      const forward = () => net.forward(x);
      return () => torch.noGrad(forward);
    },
    repeats: 5000,
  },
  {
    name: 'MLP forward + backward + step',
    python: 'optimizer.zero_grad()\nresult = F.mse_loss(trained(x), y)\nresult.backward()\noptimizer.step()',
    ours:
      ({ F, trained, optimizer, x, y }) =>
      () => {
        optimizer.zeroGrad();
        const loss = F.mseLoss(trained.forward(x), y);
        loss.backward();
        optimizer.step();
        return loss;
      },
    repeats: 2000,
  },
];

/** Calls in a round, and in one scope: some as many as a small training step makes. */
export const defaultRepeats = 20_000;
export const perScope = 20;
