#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reference losses of 30 training steps by PyTorch, with the weights and batches that they begin from.

Writes tests/data/train/{mlp,cnn,frozen}.safetensors, .npz (four batches, used in turn) and .losses (one number a line), which
tests/unit/test_train_reference.c compares with. The models are the .xml files beside them.
Also optimizers.npz: batches, and for each optimiser the losses of 12 steps of the mlp and the parameters after them.
Run it in the environment of bench/setup_venv.sh:  build/venv/bin/python bench/make_train_reference.py"""
import os

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
import torch.nn.functional as F

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "data", "train")
STEPS, OPTIMIZER_STEPS, BATCHES, BATCH = 30, 12, 4, 16


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2, self.fc3, self.ln = nn.Linear(12, 24), nn.Linear(24, 16), nn.Linear(16, 3), nn.LayerNorm(16)

    def forward(self, x):
        return self.fc3(self.ln(F.gelu(self.fc2(torch.tanh(self.fc1(x))))))


class Cnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1, self.b1 = nn.Conv2d(2, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)
        self.c2, self.b2 = nn.Conv2d(8, 12, 3, stride=2, padding=1), nn.BatchNorm2d(12)
        self.c3, self.fc = nn.Conv2d(12, 12, 1), nn.Linear(12, 5)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.b1(self.c1(x))), 2)
        r2 = F.relu(self.b2(self.c2(x)))
        return self.fc((self.c3(r2) + r2).mean((2, 3)))


def write(name, model, make_optimizer, loss_of, x, target, key, frozen=()):
    """The modules called in `frozen` are in eval() and keep their parameters. Begins from float32 weights, computes in float64: what single precision should come close to."""
    weights = {k: v.clone() for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")}
    save_file(weights, os.path.join(OUT, name + ".safetensors"))
    np.savez_compressed(os.path.join(OUT, name + ".npz"), x=x, **{key: target})
    model = model.double().train()
    for module in frozen:
        getattr(model, module).eval().requires_grad_(False)
    optimizer, losses = make_optimizer(model.parameters()), []
    for step in range(STEPS):
        at = slice(step % BATCHES * BATCH, (step % BATCHES + 1) * BATCH)
        goal = torch.from_numpy(target[at])
        loss = loss_of(model(torch.from_numpy(x[at]).double()), goal.double() if goal.is_floating_point() else goal)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    for module in frozen:
        for k, v in getattr(model, module).state_dict().items():
            assert k == "num_batches_tracked" or torch.equal(v.float(), weights[f"{module}.{k}"])
    with open(os.path.join(OUT, name + ".losses"), "w", encoding="ascii") as f:
        f.writelines(f"{v:.9g}\n" for v in losses)
    print(f"{name}: loss {losses[0]:.4f} to {losses[-1]:.4f}")


OPTIMIZERS = {  # what tests/unit/test_train_reference.c writes as <sgd>, <momentum>, <adam>, <adamw>
    "sgd": lambda p: torch.optim.SGD(p, lr=0.05),
    "sgd_decay": lambda p: torch.optim.SGD(p, lr=0.05, weight_decay=0.1),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9),
    "momentum_decay": lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.8, weight_decay=0.1),
    "nesterov": lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9, nesterov=True),
    "nesterov_decay": lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9, nesterov=True, weight_decay=0.1),
    "adam": lambda p: torch.optim.Adam(p, lr=0.01),
    "adam_decay": lambda p: torch.optim.Adam(p, lr=0.01, betas=(0.8, 0.99), eps=1e-6, weight_decay=0.1),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0),
    "adamw_decay": lambda p: torch.optim.AdamW(p, lr=0.01, betas=(0.8, 0.99), eps=1e-6, weight_decay=0.2),
}


def write_optimizers(model, x, target):
    """Every optimiser from the same weights, in float64."""
    start, out = {k: v.double() for k, v in model.state_dict().items()}, {"x": x, "target": target}
    for name, make in OPTIMIZERS.items():
        model = Mlp().double()
        model.load_state_dict(start)
        optimizer, losses = make(model.parameters()), []
        for step in range(OPTIMIZER_STEPS):
            at = slice(step % BATCHES * BATCH, (step % BATCHES + 1) * BATCH)
            loss = F.mse_loss(model(torch.from_numpy(x[at]).double()), torch.from_numpy(target[at]).double())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        out[name + ".losses"] = np.array(losses)
        out.update({f"{name}.{k}": v.numpy() for k, v in model.state_dict().items()})
        print(f"{name}: loss {losses[0]:.4f} to {losses[-1]:.4f}")
    np.savez_compressed(os.path.join(OUT, "optimizers.npz"), **out)


def main():
    rng = np.random.default_rng(11)
    torch.manual_seed(11)
    n = BATCHES * BATCH
    x = rng.standard_normal((n, 12)).astype(np.float32)
    target = np.stack([np.sin(x[:, 0]), x[:, 1] * x[:, 2], np.abs(x[:, 3])], 1).astype(np.float32)
    mlp = Mlp()
    with torch.random.fork_rng():
        write_optimizers(mlp, x, target)
    write("mlp", mlp, lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.05), F.mse_loss, x, target, "target")
    x = rng.standard_normal((n, 2, 10, 10)).astype(np.float32)
    label = rng.integers(0, 5, n)
    x += 0.7 * np.sin(label[:, None, None, None] * np.arange(10) / 2).astype(np.float32)
    write("cnn", Cnn(), lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=0.001), F.cross_entropy, x, label, "label")
    frozen = Cnn()
    for norm in frozen.b1, frozen.b2:
        norm.weight.data.uniform_(0.5, 1.5)
        norm.bias.data.normal_(0, 0.3)
        norm.running_mean.normal_(0, 0.5)
        norm.running_var.uniform_(0.5, 2)
    write("frozen", frozen, lambda p: torch.optim.SGD((q for q in p if q.requires_grad), lr=0.05, momentum=0.9), F.cross_entropy, x,
          label, "label", ("c1", "b1"))


main()
