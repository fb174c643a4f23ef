"""DeLighT's benchmark, its work with the plain model."""

import time
from pathlib import Path

import torch
from plain_pytorch import DelightTransformer
from safetensors.torch import load_file


class Side:
    def __init__(self, task):
        self.model = DelightTransformer(task['plan'])
        weights = load_file(Path(task['weights']) / 'model.safetensors')
        own = self.model.state_dict()
        self.model.load_state_dict({key: value for key, value in weights.items() if key in own})
        settings = task['optimiser']
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(),
            lr=settings['lr'],
            betas=settings['betas'],
            eps=settings['eps'],
            weight_decay=settings['weightDecay'],
            fused=True,
        )
        data = load_file(task['data'])
        self.source, self.previous, self.target = data['source'], data['previous'], data['target']
        self.data = data
        self.candidates = task['candidates']

    def train(self):
        self.optimizer.zero_grad()
        loss = self.model.loss(self.source, self.previous, self.target)
        loss.backward()
        norm = torch.nn.utils.get_total_norm([p.grad for p in self.model.parameters()])
        norm.item()
        self.optimizer.step()
        return loss.item()

    def evaluate(self):
        with torch.no_grad():
            return self.model.loss(self.source, self.previous, self.target).item()

    def decode(self, batch, beams):
        """As many steps as tokens are given, each with its order; the mean of the best log-probabilities."""
        source, steps, orders = (self.data[f'{batch}.{name}'] for name in ('source', 'tokens', 'orders'))
        total = 0.0
        with torch.inference_mode():
            self.model.begin(source, beams)
            start = time.perf_counter()
            for index, tokens in enumerate(steps):
                if index > 0:
                    self.model.reorder(orders[index])
                best, _ids = self.model.step(tokens, self.candidates)
                total += sum(row[0] for row in best.tolist())
        return total / steps.numel(), time.perf_counter() - start
