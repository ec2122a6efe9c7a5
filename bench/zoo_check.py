#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares compiled models with ONNX Runtime: the zoo, and the two models of examples/.

    zoo_check.py [OPTIONS] [MODEL...]

Every model runs in memory (`burin run`) and as a library called through its
generated header, with one thread and with two, whose results must be the same
bits.  Models with symbolic sizes run with both their sets of inputs and as a
library that takes any batch.  Some small models also run with strict
arithmetic, with each pass off, and compiled for older CPUs.

An output is right when its largest error is at most 1e-4 of the largest
magnitude in it.  The exit status is 1 when something is wrong.
"""

import argparse
import fnmatch
import os
import re
import subprocess
import sys
import tempfile
import time
import wave

import numpy as np

import harness
from harness import Artifact, Case, Failure, aligned_array, binding_flags, burin_command

TOLERANCE = 1e-4
SMALL = ("unet_small.bn", "bert_tiny_eager", "lstm_bidir", "mobilenet_v2.bn")
BATCHED = {"resnet18.dyn": {}, "bert_tiny.dyn": {"sequence": 16}}
BATCH_SIZES = "1,8"
BATCHES = (1, 3, 8, 11)
CALL_SECONDS = 600


# === a process of its own for what may crash =====================================

def call_main(library, threads, in_path, out_path):
    """Calls a library on the arrays of one .npz file and writes its outputs to another."""
    with np.load(in_path) as given:
        inputs = {}
        for name in given.files:
            inputs[name] = aligned_array(given[name].shape, given[name].dtype)
            inputs[name][...] = given[name]
    artifact = Artifact(library, int(threads) if threads != "none" else None)
    outputs = artifact.output_arrays(next(iter(inputs.values())).shape[0])
    run = artifact.bind(inputs, outputs)
    run()
    first = {name: array.copy() for name, array in outputs.items()}
    run()
    for name, array in outputs.items():
        if array.tobytes() != first[name].tobytes():
            raise Failure(f"{name} differs in the second run")
    artifact.close()
    np.savez(out_path, **outputs)


def call_library(library, threads, inputs, folder):
    """Outputs in the header's order."""
    in_path, out_path = os.path.join(folder, "in.npz"), os.path.join(folder, "out.npz")
    np.savez(in_path, **{harness.identifier(k): v for k, v in inputs.items()})
    command = [sys.executable, os.path.abspath(__file__), "--call", library, str(threads), in_path, out_path]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=CALL_SECONDS)
    except subprocess.TimeoutExpired:
        raise Failure(f"a run took more than {CALL_SECONDS} s") from None
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise Failure(f"the call ended with status {done.returncode}: {last[:200]}")
    with np.load(out_path) as z:
        return [z[name] for name in z.files]


# === cases =======================================================================

class Given:
    """One set of inputs with what ONNX Runtime makes of it."""

    def __init__(self, inputs, references):
        self.inputs, self.references = inputs, references

    def error(self, outputs):
        """Of outputs in the order of the references."""
        if len(outputs) != len(self.references):
            raise Failure(f"{len(outputs)} outputs, expected {len(self.references)}")
        return harness.errors(dict(zip(self.references, outputs)), self.references)[1]


class Model:
    """bind: sizes and scalars to fix; given: sets of inputs that all fit them."""

    def __init__(self, name, path, bind, given):
        self.name, self.path, self.bind, self.given = name, path, bind, given


def onnx_session(path):
    import onnxruntime as ort
    options = ort.SessionOptions()
    options.log_severity_level = 3
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def reference_outputs(session, inputs):
    names = [o.name for o in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs)))


def zoo_model(zoo, label, name=None):
    case = Case(os.path.join(zoo, label + ".json"))
    return Model(name or label, case.model, case.dimensions, [Given(case.inputs, case.references)])


def face_model():
    from PIL import Image
    folder = os.path.join(harness.ROOT, "examples", "face")
    path = os.path.join(folder, "rfb-320.onnx")
    photo = Image.open(os.path.join(folder, "astronaut.png")).convert("RGB").resize((320, 240))
    pixels = (np.asarray(photo, np.float32) - 127) / 128
    session = onnx_session(path)
    inputs = {session.get_inputs()[0].name: np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])}
    return Model("face (real)", path, {}, [Given(inputs, reference_outputs(session, inputs))])


def vad_model(first=0, frames=12):
    """Frames of a recording, each with the state that ONNX Runtime left."""
    folder = os.path.join(harness.ROOT, "examples", "vad")
    path = os.path.join(folder, "silero_vad_op18_ifless.onnx")
    with wave.open(os.path.join(folder, "test.wav")) as w:
        samples = np.frombuffer(w.readframes(w.getnframes()), np.int16).astype(np.float32) / 32768
    session = onnx_session(path)
    state, given = np.zeros((2, 1, 128), np.float32), []
    for i in range(first, first + 8 * frames, 8):
        frame = samples[i * 512:i * 512 + 576][None]
        inputs = {"input": np.ascontiguousarray(frame), "state": state}
        references = reference_outputs(session, {**inputs, "sr": np.array(16000, np.int64)})
        given.append(Given(inputs, references))
        state = list(references.values())[1]
    return Model("vad (real)", path, {"sr": 16000, "batch": 1, "sequence": 576}, given)


def repeated(array, size, rng):
    """`size` items like those of the array, shuffled along their last dimension so that all differ."""
    rows = [rng.permutation(array[i % len(array)], axis=-1) for i in range(size)]
    return np.ascontiguousarray(np.stack(rows).astype(array.dtype))


# === checks ======================================================================

class Checker:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.env = {"BURIN_CACHE_DIR": os.path.join(folder, "cache")}
        self.done = self.wrong = 0
        self.worst = 0.0

    def burin(self, arguments):
        return burin_command(self.options.burin, arguments, self.env)

    def run_in_memory(self, model, given, flags):
        arguments, outputs = ["run", model.path] + binding_flags(model.bind) + flags, []
        for i, (name, array) in enumerate(given.inputs.items()):
            file = os.path.join(self.folder, f"in{i}.npy")
            np.save(file, array)
            arguments += ["--input", f"{name}=@{file}"]
        for i, name in enumerate(given.references):
            outputs.append(os.path.join(self.folder, f"out{i}.npy"))
            arguments += ["--output", f"{name}=@{outputs[-1]}"]
        self.burin(arguments)
        return [np.load(file) for file in outputs]

    def in_memory(self, model, *flags):
        return max(g.error(self.run_in_memory(model, g, list(flags))) for g in model.given)

    def keeps_bits(self, model, passes):
        """With strict arithmetic no pass may change a result."""
        given, strict = model.given[0], ["--fp", "strict"]
        first = self.run_in_memory(model, given, strict)
        for name in passes:
            other = self.run_in_memory(model, given, strict + without(name))
            if any(a.tobytes() != b.tobytes() for a, b in zip(first, other)):
                raise Failure(f"other bits without pass {name}")
        return 0.0

    def compile(self, model, flags):
        library = os.path.join(self.folder, "m.so")
        for suffix in (".so", ".h", ".weights"):
            if os.path.exists(library[:-3] + suffix):
                os.remove(library[:-3] + suffix)
        self.burin(["compile", model.path, "-o", library] + binding_flags(model.bind) + flags)
        return library

    def as_library(self, model, *flags):
        library = self.compile(model, list(flags))
        return max(self.call(library, g) for g in model.given)

    def call(self, library, given):
        alone = call_library(library, "none", given.inputs, self.folder)
        together = call_library(library, 2, given.inputs, self.folder)
        if any(a.tobytes() != b.tobytes() for a, b in zip(alone, together)):
            raise Failure("one and two threads give different bits")
        return given.error(alone)

    def in_batches(self, model, session):
        library, rng, worst = self.compile(model, ["--batch", BATCH_SIZES]), np.random.default_rng(7), 0.0
        for n in BATCHES:
            inputs = {k: repeated(v, n, rng) for k, v in model.given[0].inputs.items()}
            worst = max(worst, self.call(library, Given(inputs, reference_outputs(session, inputs))))
        return worst

    def report(self, name, what, check, *arguments):
        """Runs one check and prints its row of the table."""
        start, error, note = time.perf_counter(), None, ""
        try:
            error = check(*arguments)
        except Failure as failure:
            note = str(failure)
        right = error is not None and error <= TOLERANCE
        self.done += 1
        self.wrong += not right
        self.worst = max(self.worst, error) if right else self.worst
        size = "-" if error is None else f"{error:.1e}"
        print(f"{name:22} {what:28} {size:>8} {time.perf_counter() - start:7.1f} s  "
              f"{'ok' if right else 'WRONG'}{'  ' + note if note else ''}", flush=True)


def optional_passes():
    with open(os.path.join(harness.ROOT, "passes", "passes.def")) as f:
        return [n for n in re.findall(r"^PASS\((\w+)", f.read(), re.M) if n != "expand"]


def without(*passes):
    return [flag for name in passes for flag in ("--set", f"passes.{name}=off")]


def check_variants(checker, model):
    for fp in ("strict", "fast"):
        checker.report(model.name, f"fp {fp}", checker.in_memory, model, "--fp", fp)
    for target in ("x86-64-v2", "x86-64-v3"):
        checker.report(model.name, f"library for {target}", checker.as_library, model, "--mcpu", target)
    passes = optional_passes()
    for name in passes:
        checker.report(model.name, f"without pass {name}", checker.in_memory, model, *without(name))
    checker.report(model.name, "without any pass", checker.in_memory, model, *without(*passes))
    checker.report(model.name, "strict: passes keep the bits", checker.keeps_bits, model, passes)


def check_batches(checker, zoo, name):
    model = zoo_model(zoo, name)
    model.bind = BATCHED[name]
    sizes = ", ".join(map(str, BATCHES))
    checker.report(name, f"--batch {BATCH_SIZES}, n = {sizes}", checker.in_batches, model, onnx_session(model.path))


def check_zoo_model(checker, zoo, name):
    models = [zoo_model(zoo, name)]
    if os.path.exists(os.path.join(zoo, name + ".alt.json")):
        models.append(zoo_model(zoo, name + ".alt"))
    for model in models:
        checker.report(model.name, "in memory", checker.in_memory, model)
        checker.report(model.name, "library, 1 and 2 threads", checker.as_library, model)
    if name in BATCHED:
        check_batches(checker, zoo, name)
    if name in SMALL:
        check_variants(checker, models[0])


def check_real_models(checker):
    for make in (face_model, vad_model):
        model = make()
        checker.report(model.name, "in memory", checker.in_memory, model)
        checker.report(model.name, "library, 1 and 2 threads", checker.as_library, model)


# === command line ================================================================

def zoo_names(zoo):
    names = (f[:-len(".onnx")] for f in os.listdir(zoo) if f.endswith(".onnx"))
    return sorted(n for n in names if os.path.exists(os.path.join(zoo, n + ".json")))


def parse_arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL", help="names or patterns; 'real': the models of examples/")
    parser.add_argument("--zoo", default=os.path.join(harness.ROOT, "build", "zoo"))
    parser.add_argument("--burin", default=os.path.join(harness.ROOT, "build", "burin"))
    options = parser.parse_args(argv)
    if not os.path.exists(options.burin):
        sys.exit(f"zoo_check: there is no {options.burin}; --burin says where it is")
    if not os.path.isdir(options.zoo):
        sys.exit(f"zoo_check: there is no {options.zoo}; bench/zoo.py makes it")
    return options


def main(argv):
    options = parse_arguments(argv)
    names = [n for n in zoo_names(options.zoo)
             if not options.models or any(fnmatch.fnmatch(n, p) for p in options.models)]
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="zoo_check.") as folder:
        checker = Checker(options, folder)
        for name in names:
            check_zoo_model(checker, options.zoo, name)
        if not options.models or "real" in options.models:
            check_real_models(checker)
    print(f"\n{checker.done} checks of {len(names)} models of the zoo in {time.perf_counter() - start:.0f} s: "
          f"{checker.done - checker.wrong} right, {checker.wrong} wrong; largest error of the right ones "
          f"{checker.worst:.1e}")
    return 1 if checker.wrong or not checker.done else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--call"]:
        try:
            call_main(*sys.argv[2:])
        except Failure as problem:
            sys.exit(str(problem))
    else:
        sys.exit(main(sys.argv[1:]))
