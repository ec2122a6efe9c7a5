#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the models of examples/*.xml with PyTorch's weights and compares the outputs with PyTorch's.

    examples_check.py [--burin FILE] [NAME...]

The parameters of the examples have PyTorch's names, so a state_dict is their
weight file as it is; only the recurrent layer, whose weights lie as in ONNX,
needs them in another order.  The weights are those of bench/zoo.py.

An output is right when its largest error is at most 1e-4 of the largest
magnitude in it.  The exit status is 1 when something is wrong.
"""

import argparse
import os
import sys
import tempfile
import time

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

import harness
import zoo
from harness import Failure, burin_command

TOLERANCE = 1e-4


# --- models that torchvision and transformers do not have ------------------------

class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = nn.functional.max_pool2d(self.conv1(x).relu(), 2)
        x = nn.functional.max_pool2d(self.conv2(x).relu(), 2).flatten(1)
        return self.fc3(self.fc2(self.fc1(x).relu()).relu())


class Named(nn.Module):
    """A module whose child has this name, as some layers in examples/unet.xml are nested."""

    def __init__(self, name, module):
        super().__init__()
        self.add_module(name, module)

    def forward(self, x):
        return next(self.children())(x)


class Up(nn.Module):
    def __init__(self, c1, c2):
        super().__init__()
        self.up = nn.ConvTranspose2d(c1, c2, 2, stride=2)
        self.conv = Named("double_conv", zoo.DoubleConv(2 * c2, c2))

    def forward(self, x, skip):
        return self.conv(torch.cat([skip, self.up(x)], 1))


class UNet(nn.Module):
    def __init__(self, widths=(64, 128, 256, 512, 1024)):
        super().__init__()
        self.inc = Named("double_conv", zoo.DoubleConv(3, widths[0]))
        for i, (a, b) in enumerate(zip(widths, widths[1:]), 1):
            double = Named("double_conv", zoo.DoubleConv(a, b))
            self.add_module(f"down{i}", Named("maxpool_conv", nn.Sequential(nn.MaxPool2d(2), double)))
        for i, (a, b) in enumerate(zip(widths[::-1], widths[-2::-1]), 1):
            self.add_module(f"up{i}", Up(a, b))
        self.outc = Named("conv", nn.Conv2d(widths[0], 2, 1))

    def forward(self, x):
        skips = [self.inc(x)]
        for i in range(1, 5):
            skips.append(getattr(self, f"down{i}")(skips[-1]))
        x = skips.pop()
        for i in range(1, 5):
            x = getattr(self, f"up{i}")(x, skips.pop())
        return self.outc(x)


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.head = nn.Embedding(10000, 128), nn.Linear(256, 2)
        self.reader = nn.LSTM(128, 256, batch_first=True)

    def forward(self, words):
        _, (h, _) = self.reader(self.table(words))
        return self.head(h[0]).softmax(-1)


def lstm_weights(state):
    """Gates i f g o become i o f g, with a dimension for the direction; both biases in one vector."""
    def gates(x):
        i, f, g, o = x.chunk(4)
        return torch.cat((i, o, f, g))

    ours = {k: v for k, v in state.items() if not k.startswith("reader.")}
    ours["reader.weight_ih"] = gates(state["reader.weight_ih_l0"])[None]
    ours["reader.weight_hh"] = gates(state["reader.weight_hh_l0"])[None]
    biases = gates(state["reader.bias_ih_l0"]), gates(state["reader.bias_hh_l0"])
    ours["reader.bias"] = torch.cat(biases)[None]
    return ours


# --- the examples ----------------------------------------------------------------

class Example:
    """A module and its inputs by the names in the XML file; prefix: what the wrapper adds to the parameters' names."""

    def __init__(self, module, inputs, prefix="", rename=dict):
        self.module, self.inputs, self.prefix, self.rename = module.eval(), inputs, prefix, rename

    def weights(self):
        state = {k.removeprefix(self.prefix): v for k, v in self.module.state_dict().items()}
        own = {}
        for name, value in self.rename(state).items():
            tied = any(value.data_ptr() == v.data_ptr() and value.shape == v.shape for v in own.values())
            if not tied and value.dtype == torch.float32:
                own[name] = value.contiguous()
        return own

    def expected(self):
        with torch.no_grad():
            outputs = self.module(*self.inputs.values())
        outputs = (outputs,) if torch.is_tensor(outputs) else outputs
        return [o.numpy() for o in outputs]


def seeded(make, *arguments):
    torch.manual_seed(7)
    return make(*arguments)


def lenet():
    return Example(seeded(LeNet), {"x": torch.randn(5, 1, 28, 28)})


def unet():
    model = seeded(UNet)
    zoo.calibrate_batchnorm(model, zoo.image(2, 3, 96, 64))
    return Example(model, {"image": zoo.image(2, 3, 96, 64)})


def reader():
    return Example(seeded(Reader), {"words": torch.randint(0, 10000, (3, 17))}, rename=lstm_weights)


def from_zoo(base, inputs, prefix=""):
    module = zoo.build(base).module
    return Example(module, inputs(), prefix)


def photos():
    return {"image": zoo.image(2, 3, 224, 224)}


def text():
    inputs = zoo.text_inputs(30522, 24, batch=2)
    return {k: inputs[k] for k in ("input_ids", "attention_mask", "token_type_ids")}


def causal():
    module = zoo.gpt2_model(12, 768, 12, 50257)
    ids = torch.randint(0, 50257, (2, 24))

    class Logits(nn.Module):
        def __init__(self):
            super().__init__()
            self.model = module

        def forward(self, input_ids):
            return self.model(input_ids=input_ids, use_cache=False).logits
    return Example(Logits(), {"input_ids": ids}, "model.")


EXAMPLES = {
    "lenet": (lenet, ["y"]),
    "resnet18": (lambda: from_zoo("resnet18", photos), ["logits"]),
    "resnet50": (lambda: from_zoo("resnet50", photos), ["logits"]),
    "mobilenetv2": (lambda: from_zoo("mobilenet_v2", photos), ["logits"]),
    "unet": (unet, ["mask"]),
    "bert": (lambda: from_zoo("bert_base", text, "model."), ["last_hidden_state", "pooler_output"]),
    "gpt2": (lambda: seeded(causal), ["logits"]),
    "lstm": (reader, ["friendly"]),
}


def run_example(burin, name, example, outputs, folder):
    """Outputs of the XML model, in order."""
    weights = os.path.join(folder, "weights.safetensors")
    save_file(example.weights(), weights)
    arguments = ["run", os.path.join(harness.ROOT, "examples", name + ".xml"), "--weights", weights]
    for i, (key, value) in enumerate(example.inputs.items()):
        file = os.path.join(folder, f"in{i}.npy")
        np.save(file, value.numpy())
        arguments += ["--input", f"{key}=@{file}"]
    files = [os.path.join(folder, f"out{i}.npy") for i in range(len(outputs))]
    for key, file in zip(outputs, files):
        arguments += ["--output", f"{key}=@{file}"]
    burin_command(burin, arguments, {"BURIN_CACHE_DIR": os.path.join(folder, "cache")})
    return [np.load(f) for f in files]


def check(burin, name, folder):
    """The largest relative error of the example's outputs."""
    make, outputs = EXAMPLES[name]
    example = make()
    expected = dict(zip(outputs, example.expected()))
    return harness.errors(dict(zip(outputs, run_example(burin, name, example, outputs, folder))), expected)[1]


def report(burin, name, folder):
    start, error, note = time.perf_counter(), None, ""
    try:
        error = check(burin, name, folder)
    except Failure as failure:
        note = str(failure)
    right = error is not None and error <= TOLERANCE
    size = "-" if error is None else f"{error:.1e}"
    print(f"{name + '.xml':18} {size:>8} {time.perf_counter() - start:7.1f} s  "
          f"{'ok' if right else 'WRONG'}{'  ' + note if note else ''}", flush=True)
    return right


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"default: {' '.join(EXAMPLES)}")
    parser.add_argument("--burin", default=os.path.join(harness.ROOT, "build", "burin"))
    options = parser.parse_args()
    unknown = [n for n in options.names if n not in EXAMPLES]
    if unknown:
        sys.exit(f"examples_check: no example: {' '.join(unknown)}")
    with tempfile.TemporaryDirectory(prefix="examples_check.") as folder:
        right = [report(options.burin, name, folder) for name in options.names or EXAMPLES]
    print(f"\n{len(right)} examples: {sum(right)} right, {len(right) - sum(right)} wrong")
    return 0 if all(right) else 1


if __name__ == "__main__":
    sys.exit(main())
