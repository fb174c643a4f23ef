"""The benchmark of optimisers, its work with torch.optim."""

import math

import torch


def lion(params, lr, betas, weight_decay, foreach):
    """PyTorch has none; with the same list kernels, or one parameter at a time."""
    means = [torch.zeros_like(p) for p in params]
    beta1, beta2 = betas

    @torch.no_grad()
    def by_lists():
        grads = [p.grad for p in params]
        torch._foreach_mul_(params, 1 - lr * weight_decay)
        direction = torch._foreach_lerp(means, grads, 1 - beta1)
        torch._foreach_sign_(direction)
        torch._foreach_add_(params, direction, alpha=-lr)
        torch._foreach_lerp_(means, grads, 1 - beta2)

    @torch.no_grad()
    def one_by_one():
        for p, m in zip(params, means):
            p.mul_(1 - lr * weight_decay).add_(m.lerp(p.grad, 1 - beta1).sign_(), alpha=-lr)
            m.lerp_(p.grad, 1 - beta2)

    return by_lists if foreach else one_by_one


class Side:
    def __init__(self, task):
        self.shapes = task['shapes']

    def make(self, optimizer, options, way):
        self.params = []
        for index, shape in enumerate(self.shapes):
            count = math.prod(shape)
            wave = torch.arange(count, dtype=torch.float64).add(index).sin()
            p = torch.nn.Parameter(wave.float().reshape(shape))
            p.grad = wave.cos().float().reshape(shape)
            self.params.append(p)
        if optimizer == 'Lion':
            self.step = lion(self.params, **options, foreach=way == 'foreach')
        else:
            kernel = {way: True} if way != 'single' else {'foreach': False}
            self.step = getattr(torch.optim, optimizer)(self.params, **options, **kernel).step
        return 0

    def run(self, steps):
        for _ in range(steps):
            self.step()
        return sum(p.detach().double().sum().item() for p in self.params)
