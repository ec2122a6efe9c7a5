#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What `burin compile` costs: time with an empty and with a full cache of kernels, and memory.

    compile_cost.py [--burin FILE] [--rounds N] [MODEL.onnx [FLAG...]]     default: resnet50 of the zoo

Time is wall time of the whole command, linker included.  Memory is the most
that the command and its children hold at one time, sampled every 5 ms; pages
of the mapped model and of the mapped output count too.  The exit status is 1
when a goal is missed.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
COLD_SECONDS, WARM_SECONDS, MEMORY_FACTOR = 2.0, 0.5, 3.0
SAMPLE_SECONDS = 0.005


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            direct = f.read().split()
    except OSError:
        direct = []
    return [pid] + [c for child in direct for c in children(int(child))]


def resident_bytes(pid):
    try:
        with open(f"/proc/{pid}/statm") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


class Watch(threading.Thread):
    """The most memory that a process and its children held."""

    def __init__(self, pid):
        super().__init__()
        self.pid, self.together, self.largest, self.ended = pid, 0, 0, threading.Event()

    def run(self):
        while not self.ended.wait(SAMPLE_SECONDS):
            each = [resident_bytes(p) for p in children(self.pid)]
            self.together, self.largest = max(self.together, sum(each)), max(self.largest, *each)


def compile_once(options, folder, cache):
    """Seconds of one compilation; bytes of all its processes, of the largest one."""
    command = [options.burin, "compile", options.model, "-o", os.path.join(folder, "m.so")] + options.flags
    env = {**os.environ, "BURIN_CACHE_DIR": cache}
    start = time.perf_counter()
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    watch = Watch(process.pid)
    watch.start()
    complaint = process.communicate()[1]
    seconds = time.perf_counter() - start
    watch.ended.set()
    watch.join()
    if process.returncode != 0:
        sys.exit(f"compile_cost: burin compile ended with status {process.returncode}: {complaint.strip()[:300]}")
    return seconds, watch.together, watch.largest


def measure(options):
    """What compile_once says, of each round, for an empty and for a full cache."""
    cold, warm = [], []
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory(prefix="compile_cost.") as folder:
            cache = os.path.join(folder, "cache")
            cold.append(compile_once(options, folder, cache))
            warm.append(compile_once(options, folder, cache))
    return cold, warm


def row(name, values, unit, goal):
    """One line of the table; false when the goal, if there is one, is missed."""
    least, middle = min(values), statistics.median(values)
    met = goal is None or least <= goal
    verdict = "" if goal is None else f"goal {goal:7.2f}  {'met' if met else 'MISSED'}"
    print(f"{name:28} {least:8.2f} {middle:8.2f} {unit:4} {verdict}")
    return met


def parse_arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", metavar="MODEL.onnx",
                        default=os.path.join(ROOT, "build", "zoo", "resnet50.onnx"))
    parser.add_argument("--burin", default=os.path.join(ROOT, "build", "burin"))
    parser.add_argument("--rounds", type=int, default=5)
    options, options.flags = parser.parse_known_args(argv)
    for file in (options.burin, options.model):
        if not os.path.exists(file):
            sys.exit(f"compile_cost: there is no {file}")
    return options


def main(argv):
    options = parse_arguments(argv)
    cold, warm = measure(options)
    weights = os.path.getsize(options.model)
    mib = 1 / (1 << 20)
    print(f"{os.path.basename(options.model)}, {weights * mib:.0f} MiB, {' '.join(options.flags) or 'default flags'}, "
          f"{options.rounds} rounds; least, median\n")
    goals = []
    for name, runs, goal in (("empty cache", cold, COLD_SECONDS), ("full cache", warm, WARM_SECONDS)):
        seconds, together, largest = zip(*runs)
        goals += [row(name, seconds, "s", goal),
                  row("  memory", [b * mib for b in together], "MiB", MEMORY_FACTOR * weights * mib),
                  row("  of the largest process", [b * mib for b in largest], "MiB", None)]
    return 0 if all(goals) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
