"""The benchmark of calling cost with PyTorch: runs the statements it is told, on the values that both sides make alike."""

import timeit

import torch
import torch.nn.functional as F
from torch import nn


def wave(*shape):
    count = torch.Size(shape).numel()
    return torch.sin(torch.arange(count, dtype=torch.float64)).to(torch.float32).reshape(shape)


def mlp():
    net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(wave(*parameter.shape) * 0.2)
    return net


class Side:
    def __init__(self, task):
        trained = mlp()
        self.values = {
            'torch': torch,
            'F': F,
            'a': wave(2, 2),
            'b': wave(2, 2) + 1,
            'c': wave(2, 2),
            'm': wave(64, 64),
            'n': wave(64, 64) + 1,
            'mask': wave(2, 2) > 0.5,
            'rows': torch.tensor([1, 0]),
            'scale': wave(2) + 2,
            'shift': wave(2),
            'weight': (wave(2, 2) - 1).requires_grad_(),
            'many': [wave(2, 2) + i for i in range(20)],
            'net': mlp(),
            'trained': trained,
            'optimizer': torch.optim.AdamW(trained.parameters(), lr=1e-3),
            'x': wave(4, 8),
            'y': wave(4, 1),
        }

    def call(self, statement, reduce, repeats):
        # Of several lines, one says what the result is.
        statement = statement if '\n' in statement else f'result = {statement}'
        timer = timeit.Timer(statement, globals=self.values)
        seconds = timer.timeit(repeats)
        exec(statement, self.values)
        return eval(reduce, self.values).item(), seconds
