"""The residual benchmark's work, with the plain model."""

from pathlib import Path

import torch
from plain_pytorch import VARIANTS, Config, Llama
from safetensors.torch import load_file


class Side:
    def __init__(self, task):
        site, weights = VARIANTS[task['variant']]
        config = Config(
            vocab_size=task['vocab'],
            hidden_size=task['hidden'],
            intermediate_size=task['intermediate'],
            num_hidden_layers=task['layers'],
            num_attention_heads=task['heads'],
            num_key_value_heads=task['kvHeads'],
            head_dim=task['hidden'] // task['heads'],
            site=site,
            weights=weights,
        )
        self.model = Llama(config)
        self.model.load_state_dict(load_file(Path(task['weights']) / 'model.safetensors'))
        settings = task['optimiser']
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(),
            lr=settings['lr'],
            betas=settings['betas'],
            eps=settings['eps'],
            weight_decay=settings['weightDecay'],
            fused=True,
        )
        self.max_grad_norm = task['maxGradNorm']
        self.autocast = bool(task['autocast'])
        tokens = torch.frombuffer(bytearray(Path(task['tokensFile']).read_bytes()), dtype=torch.uint16)
        self.batches = tokens.to(torch.int64).view(task['batchCount'], task['batch'], task['block'])
        self.next = 0

    def batch(self):
        ids = self.batches[self.next % len(self.batches)]
        self.next += 1
        return ids

    def precision(self):
        return torch.autocast('cpu', dtype=torch.bfloat16, enabled=self.autocast)

    def train(self):
        self.optimizer.zero_grad()
        with self.precision():
            loss = self.model.loss(self.batch())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.max_grad_norm)
        self.optimizer.step()
        return loss.item()

    def evaluate(self):
        with self.precision():
            loss, correct = self.model.evaluate(self.batch())
        correct.item()
        return loss.item()
