#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How well examples/digits.xml learns: bench/digits.py [BURIN], with the command of the build as the default.

Trains with the seeds 1 to 5, each of which makes its own split, weights and order, and prints scores of validation and test, their
medians and times. Fails when the median test accuracy is below 98 % or a training takes 60 s.

--choose is how the numbers in digits.xml were chosen: other seeds, and scores of validation alone; test scores are not looked at."""
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
MODEL = os.path.join(ROOT, "examples", "digits.xml")


def train(burin, model, seed):
    with tempfile.TemporaryDirectory() as folder:
        line = [burin, "train", model, "--data", os.path.join(ROOT, "examples", "digits.npz"), "--out", os.path.join(folder, "o"),
                "--seed", str(seed), "--json", "-q"]
        return json.loads(subprocess.run(line, check=True, capture_output=True, text=True).stdout)


def choose(burin):
    with open(MODEL, encoding="utf-8") as f:
        text = re.sub(r' (epochs|patience)="\d+"', "", f.read())
    for epochs, patience in ((20, 0), (30, 8), (40, 10), (60, 15)):
        with tempfile.NamedTemporaryFile("w", suffix=".xml") as f:
            f.write(text.replace("<training ", f'<training epochs="{epochs}" patience="{patience}" '))
            f.flush()
            runs = [train(burin, f.name, seed) for seed in range(101, 106)]
        accuracy, loss = (statistics.mean(r[k] for r in runs) for k in ("val_accuracy", "val_loss"))
        print(f"{epochs} epochs, patience {patience}: validation accuracy {accuracy:.4f}, loss {loss:.4f}", flush=True)
    return 0


def measure(burin):
    runs = []
    for seed in range(1, 6):
        r = train(burin, MODEL, seed)
        runs.append(r)
        print(f"seed {seed}: {r['epochs']:2} epochs, best {r['best_epoch']:2}, {r['seconds']:4.1f} s  "
              f"val_accuracy {r['val_accuracy']:.4f}  test_accuracy {r['test_accuracy']:.4f}", flush=True)
    median = statistics.median(r["test_accuracy"] for r in runs)
    longest = max(r["seconds"] for r in runs)
    print(f"median test_accuracy {median:.4f}, the longest training {longest:.1f} s")
    return 0 if median >= 0.98 and longest < 60 else 1


def main():
    names = [a for a in sys.argv[1:] if a != "--choose"]
    burin = names[0] if names else os.path.join(ROOT, "build", "burin")
    return (choose if "--choose" in sys.argv else measure)(burin)


sys.exit(main())
