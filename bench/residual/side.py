"""The residual benchmark's work with PyTorch: the plain model, or Hugging Face's, eager or compiled."""

from pathlib import Path

import torch
from plain_pytorch import VARIANTS, Config, Llama
from safetensors.torch import load_file


def memory(line):
    """MiB, of a line of Linux's account of this process."""
    status = Path('/proc/self/status')
    if not status.exists():
        return None
    return int(next(one for one in status.read_text().splitlines() if one.startswith(line)).split()[1]) / 1024


class Plain:
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

    def loss(self, ids):
        return self.model.loss(ids)

    def evaluate(self, ids):
        return self.model.evaluate(ids)


class HuggingFace:
    def __init__(self, task):
        from transformers import LlamaForCausalLM

        self.model = LlamaForCausalLM.from_pretrained(task['weights'], dtype=torch.float32, use_cache=False)
        self.run = torch.compile(self.model) if task['model'] == 'compiled' else self.model

    def loss(self, ids):
        return self.run(input_ids=ids, labels=ids).loss

    @torch.no_grad()
    def evaluate(self, ids):
        result = self.run(input_ids=ids, labels=ids)
        return result.loss, (result.logits.argmax(-1)[:, :-1] == ids[:, 1:]).sum()


class Side:
    def __init__(self, task):
        self.work = Plain(task) if task['model'] == 'plain' else HuggingFace(task)
        self.parameters = list(self.work.model.parameters())
        settings = task['optimiser']
        self.optimizer = torch.optim.AdamW(
            self.parameters,
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
        self.before = memory('VmRSS')

    def batch(self):
        ids = self.batches[self.next % len(self.batches)]
        self.next += 1
        return ids

    def precision(self):
        return torch.autocast('cpu', dtype=torch.bfloat16, enabled=self.autocast)

    def train(self):
        self.work.model.train()
        self.optimizer.zero_grad()
        with self.precision():
            loss = self.work.loss(self.batch())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, self.max_grad_norm)
        self.optimizer.step()
        return loss.item()

    def evaluate(self):
        self.work.model.eval()
        with self.precision():
            loss, correct = self.work.evaluate(self.batch())
        correct.item()
        return loss.item()

    def peak(self):
        """How far the process's memory has grown since weights and batches were there, at its highest."""
        return None if self.before is None else memory('VmHWM') - self.before
