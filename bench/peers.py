#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Times Burin against ONNX Runtime and OpenVINO on models of the zoo.

    peers.py [OPTIONS] [MODEL...]

Each engine has one worker process per model that lives through all rounds.
In a round the engines take turns, so a disturbance of the machine hits all of
them alike; which one comes first changes from round to round.  A turn is a
warm-up and a number of repetitions.  Reported are the minimum over all turns
and the median of the turns' medians.

The exit status is 1 if Burin fails on a model or its output is off by more
than the tolerance.
"""

import argparse
import importlib.metadata
import json
import math
import os
import platform
import re
import select
import statistics
import subprocess
import sys
import time

import harness
from harness import ROOT, Artifact, Case, Failure, aligned_array

ENGINES = ("onnxruntime", "openvino", "burin")
TITLES = {"onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "burin": "Burin"}
DEFAULT_MODELS = (
    "resnet18 resnet50 mobilenet_v2 mobilenet_v3_large efficientnet_b0 densenet121 squeezenet1_1 unet detector "
    "vit_b_16 bert_base bert_base_s32 minilm gpt2 gpt2_kv whisper_encoder lstm2 gru2").split()
ANSWER_SECONDS = 900


# === worker side =================================================================

class OnnxRuntimeEngine:
    def __init__(self, case, threads, _extra):
        import onnxruntime as ort
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.log_severity_level = 3
        for symbol, size in case.dimensions.items():
            options.add_free_dimension_override_by_name(symbol, size)
        session = ort.InferenceSession(case.model, options, providers=["CPUExecutionProvider"])
        self.binding = session.io_binding()
        self.keep = []
        for name, array in case.inputs.items():
            value = ort.OrtValue.ortvalue_from_numpy(array)
            self.keep.append(value)
            self.binding.bind_ortvalue_input(name, value)
        self.values = {}
        for name, array in case.outputs.items():
            self.values[name] = ort.OrtValue.ortvalue_from_shape_and_type(list(array.shape), array.dtype)
            self.binding.bind_ortvalue_output(name, self.values[name])
        self.session = session
        self.settings = {
            "version": ort.__version__, "providers": "CPUExecutionProvider", "intra_op_num_threads": threads,
            "inter_op_num_threads": 1, "execution_mode": "sequential", "graph_optimization": "all",
            "precision": "f32 (as the model)", "io": "bound buffers"}

    def run(self):
        self.session.run_with_iobinding(self.binding)

    def output(self, name):
        return self.values[name].numpy()


class OpenVinoEngine:
    def __init__(self, case, threads, _extra):
        import openvino as ov
        core = ov.Core()
        model = core.read_model(case.model)
        if case.dimensions:
            model.reshape({name: list(array.shape) for name, array in case.inputs.items()})
        compiled = core.compile_model(model, "CPU", {
            "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1})
        self.request = compiled.create_infer_request()
        for name, array in case.inputs.items():
            self.request.set_tensor(name, ov.Tensor(array, shared_memory=True))
        self.compiled = compiled
        self.settings = {"version": ov.__version__.split("-releases")[0], "io": "shared input tensors"}
        for key in ("PERFORMANCE_HINT", "INFERENCE_PRECISION_HINT", "INFERENCE_NUM_THREADS", "NUM_STREAMS"):
            value = compiled.get_property(key)
            self.settings[key] = getattr(value, "to_string", lambda: str(value))()

    def run(self):
        self.request.infer(share_outputs=True)

    def output(self, name):
        return self.request.get_tensor(name).data


class BurinEngine:
    def __init__(self, case, threads, extra):
        self.artifact = Artifact(extra["library"], threads)
        header = self.artifact.header
        if (len(header.inputs), len(header.outputs)) != (len(case.inputs), len(case.outputs)):
            raise Failure(f"the header has {len(header.inputs)} inputs and {len(header.outputs)} outputs, "
                          f"the model {len(case.inputs)} and {len(case.outputs)}")
        self.case, self.run = case, self.artifact.bind(case.inputs, case.outputs)
        self.settings = {"version": extra["version"], "threads": threads, "precision": "f32 (as the model)",
                         "compiled with": extra["flags"], "workspace_bytes": int(self.artifact.workspace.nbytes)}

    def output(self, name):
        return self.case.outputs[name]


WORKERS = {"onnxruntime": OnnxRuntimeEngine, "openvino": OpenVinoEngine, "burin": BurinEngine}


def output_errors(engine, case):
    absolute, relative = harness.errors({name: engine.output(name) for name in case.references}, case.references)
    return {"abs_error": absolute, "rel_error": relative}


def timed_turn(engine, warmup, repetitions):
    for _ in range(warmup):
        engine.run()
    times = []
    for _ in range(repetitions):
        start = time.perf_counter_ns()
        engine.run()
        times.append(time.perf_counter_ns() - start)
    return {"min": min(times) * 1e-9, "median": statistics.median(times) * 1e-9}


def worker_main(argv):
    """Answers one JSON request per line on the original standard output."""
    name, index_path, threads, extra = argv[0], argv[1], int(argv[2]), json.loads(argv[3])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)                       # whatever a library prints must not mix with the answers

    def answer(value):
        answers.write(json.dumps(value) + "\n")
        answers.flush()

    try:
        if extra.get("cpus"):
            os.sched_setaffinity(0, extra["cpus"])
        case = Case(index_path)
        start = time.perf_counter()
        engine = WORKERS[name](case, threads, extra)
        load = time.perf_counter() - start
        engine.run()
        answer({"settings": engine.settings, "load": load, **output_errors(engine, case)})
        for line in sys.stdin:
            request = json.loads(line)
            answer(timed_turn(engine, request["warmup"], request["repetitions"]))
    except Exception as error:
        answer({"error": f"{type(error).__name__}: {error}"})


# === driver side =================================================================

class Worker:
    def __init__(self, engine, index_path, threads, extra):
        command = [sys.executable, os.path.abspath(__file__), "--worker", engine, index_path, str(threads),
                   json.dumps(extra)]
        self.engine, self.turns = engine, []
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            self.hello = self.read()
        except Failure:
            self.close()
            raise

    def read(self):
        ready, _, _ = select.select([self.process.stdout], [], [], ANSWER_SECONDS)
        line = self.process.stdout.readline() if ready else ""
        if not line:
            raise Failure("timed out" if not ready else f"worker ended with status {self.process.wait()}")
        answer = json.loads(line)
        if "error" in answer:
            raise Failure(answer["error"])
        return answer

    def turn(self, warmup, repetitions):
        try:
            self.process.stdin.write(json.dumps({"warmup": warmup, "repetitions": repetitions}) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Failure(f"worker ended with status {self.process.wait()}") from None
        return self.read()

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def result(self):
        return {"min": min(t["min"] for t in self.turns), "median": statistics.median(t["median"] for t in self.turns),
                **{k: self.hello[k] for k in ("abs_error", "rel_error", "load", "settings")}}


def compile_model(options, name, index):
    """Compiles the model unless an artefact newer than model and compiler is there; returns its path."""
    folder = os.path.join(options.build, "bench")
    os.makedirs(folder, exist_ok=True)
    flags = ["--mcpu", "native"] + options.burin_flags.split() + harness.binding_flags(index.get("dimensions", {}))
    model = os.path.join(options.zoo, index["model"])
    library = os.path.join(folder, re.sub(r"[^A-Za-z0-9]", "_", name) + ".so")
    stamp = library + ".flags"
    newest = max(os.path.getmtime(model), os.path.getmtime(options.burin))
    if os.path.exists(library) and os.path.getmtime(library) > newest and read_text(stamp) == " ".join(flags):
        return library, flags
    start = time.perf_counter()
    harness.burin_command(options.burin, ["compile", model, "-o", library] + flags)
    log(f"  burin compile {name}: {time.perf_counter() - start:.1f} s")
    with open(stamp, "w") as f:
        f.write(" ".join(flags))
    return library, flags


def read_text(path):
    try:
        with open(path) as f:
            return f.read()
    except OSError:
        return ""


def log(text):
    print(text, file=sys.stderr, flush=True)


def worker_extra(options, engine, name, index):
    extra = {"cpus": options.cpus}
    if engine == "burin":
        library, flags = compile_model(options, name, index)
        extra.update(library=library, flags=" ".join(flags), version=options.burin_version)
    return extra


def start_workers(options, name, results):
    index_path = os.path.join(options.zoo, name + ".json")
    with open(index_path) as f:
        index = json.load(f)
    workers = []
    for engine in options.engines:
        try:
            extra = worker_extra(options, engine, name, index)
            workers.append(Worker(engine, index_path, options.threads, extra))
        except Failure as failure:
            results[engine] = {"failure": str(failure)}
            log(f"  {TITLES[engine]} failed on {name}: {failure}")
    return workers


def choose_repetitions(options, workers):
    """As many repetitions as the quickest engine needs to fill a turn, within bounds for the slowest."""
    times = [w.turn(1, 3)["min"] for w in workers]
    wanted = min(options.turn_seconds / min(times), 5 * options.turn_seconds / max(times), 2000)
    return max(options.min_repetitions, math.ceil(wanted))


def run_rounds(options, workers, results):
    repetitions = choose_repetitions(options, workers)
    for r in range(options.rounds):
        shift = r % len(workers)
        for worker in workers[shift:] + workers[:shift]:
            time.sleep(options.pause)           # lets the threads of the engine before go to sleep
            worker.turns.append(worker.turn(options.warmup, repetitions))
    for worker in workers:
        results[worker.engine] = worker.result()
    results["repetitions"] = repetitions


def bench_model(options, name):
    results, workers = {}, []
    try:
        workers = start_workers(options, name, results)
        if workers:
            run_rounds(options, workers, results)
    except Failure as failure:
        results["failure"] = str(failure)
        log(f"  {name}: {failure}")
    finally:
        for worker in workers:
            worker.close()
    return results


# --- report ------------------------------------------------------------------------

def cpu_name():
    match = re.search(r"^model name\s*:\s*(.*)$", read_text("/proc/cpuinfo"), re.M)
    return match.group(1) if match else platform.machine()


def measured_limits(burin):
    """Arithmetic peak and memory bandwidth, measured now."""
    try:
        figures = json.loads(harness.burin_command(burin, ["doctor", "--calibrate", "--json"], timeout=120))
    except (OSError, ValueError, Failure) as problem:
        log(f"peers: no measured limits: {problem}")
        return {}
    return {k: v for k, v in figures.items() if re.search(r"gflops|gb_per_s", k)}


def burin_version(burin):
    try:
        done = subprocess.run([burin, "--version"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip().splitlines()[0] if done.stdout.strip() else "unknown"


def milliseconds(result):
    if not result:
        return "–"
    if "failure" in result:
        return "failed"
    return f"{result['min'] * 1e3:.3f} / {result['median'] * 1e3:.3f}"


def error_text(result, tolerance):
    if not result or "failure" in result:
        return "–"
    wrong = "" if result["rel_error"] <= tolerance else "**wrong** "
    return f"{wrong}{result['abs_error']:.1e} ({result['rel_error']:.0e})"


def minimum(result):
    return result["min"] if result and "min" in result else None


def ratio_to(results, peers, tolerance):
    """Burin's minimum over the least minimum of the peers; none for a wrong result."""
    ours = None if burin_is_wrong(results, tolerance) else minimum(results.get("burin"))
    theirs = [m for m in (minimum(results.get(p)) for p in peers) if m is not None]
    return ours / min(theirs) if ours and theirs else None


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def number(value):
    return "–" if value is None else f"{value:.3f}"


def table_row(cells):
    return "| " + " | ".join(cells) + " |"


def ratio_columns(engines):
    """Titles of the ratio columns and the peers that each takes the best of."""
    peers = [e for e in engines if e != "burin"]
    if "burin" not in engines or not peers:
        return {}
    columns = {f"Burin / {TITLES[p]}": [p] for p in peers}
    if len(peers) > 1:
        columns["Burin / best peer"] = peers
    return columns


def print_table(all_results, engines, tolerance):
    checked = [e for e in engines if e != "onnxruntime"]
    columns = ratio_columns(engines)
    heads = ["model"] + [f"{TITLES[e]} ms (min / median)" for e in engines]
    heads += [f"{TITLES[e]} error, abs (rel)" for e in checked]
    print(table_row(heads + list(columns)))
    print(table_row(["---"] + ["---:"] * (len(heads) - 1 + len(columns))))
    ratios = [[] for _ in columns]
    for name, results in all_results.items():
        cells = [name] + [milliseconds(results.get(e)) for e in engines]
        cells += [error_text(results.get(e), tolerance) for e in checked]
        for collected, peers in zip(ratios, columns.values()):
            ratio = ratio_to(results, peers, tolerance)
            collected += [ratio] if ratio else []
            cells.append(number(ratio))
        print(table_row(cells))
    if columns:
        means = [f"**{number(geometric_mean(r))}**" for r in ratios]
        print(table_row([f"**geometric mean of {len(ratios[0])}**"] + [""] * (len(heads) - 1) + means))


def print_settings(options, all_results):
    print(f"CPU: {cpu_name()}, {os.cpu_count()} visible; {platform.system()} {platform.release()}; "
          f"Python {platform.python_version()}, numpy {importlib.metadata.version('numpy')}")
    for key, value in measured_limits(options.burin).items():
        print(f"measured {key}: {value:g}")
    pinned = f"pinned to CPUs {options.cpus}" if options.cpus else "not pinned"
    print(f"threads: {options.threads} ({pinned}); rounds: {options.rounds}; a turn: {options.warmup} warm-up runs, then "
          f"about {options.turn_seconds:g} s, at least {options.min_repetitions} runs\n")
    for engine in options.engines:
        settings = next((r[engine]["settings"] for r in all_results.values() if "settings" in r.get(engine, {})), None)
        if settings:
            shown = {k: v for k, v in settings.items() if k != "workspace_bytes"}
            print(f"* {TITLES[engine]}: " + ", ".join(f"{k} {v}" for k, v in shown.items()))
    print("\nErrors are against the reference outputs of the zoo (ONNX Runtime).\n")


def burin_is_wrong(results, tolerance):
    ours = results.get("burin")
    return ours is not None and ("failure" in ours or not ours["rel_error"] <= tolerance)


# --- command line --------------------------------------------------------------------

def parse_arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"default: {' '.join(DEFAULT_MODELS)}")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--warmup", type=int, default=2, help="runs before each turn")
    parser.add_argument("--turn-seconds", type=float, default=0.5)
    parser.add_argument("--min-repetitions", type=int, default=5)
    parser.add_argument("--pause", type=float, default=0.05, help="seconds of rest before each turn")
    parser.add_argument("--pin", action="store_true", help="pin every worker to the first THREADS CPUs")
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--build", default=os.path.join(ROOT, "build"), help="build directory")
    parser.add_argument("--zoo", help="zoo directory (default: BUILD/zoo)")
    parser.add_argument("--burin", help="compiler (default: BUILD/burin)")
    parser.add_argument("--burin-flags", default="", help="further flags of `burin compile`")
    parser.add_argument("--tolerance", type=float, default=1e-3, help="largest relative error of Burin")
    parser.add_argument("--json", metavar="FILE", help="also write all results there")
    options = parser.parse_args(argv)
    options.zoo = options.zoo or os.path.join(options.build, "zoo")
    options.burin = options.burin or os.path.join(options.build, "burin")
    options.burin_version = burin_version(options.burin)
    options.engines = [e for e in ENGINES if e in options.engines.split(",")]
    if not options.burin_version and "burin" in options.engines:
        log("peers: no compiler, timing the peers only")
        options.engines.remove("burin")
    options.models = options.models or DEFAULT_MODELS
    options.cpus = sorted(os.sched_getaffinity(0))[:options.threads] if options.pin else []
    return options


def main(argv):
    options = parse_arguments(argv)
    missing = [m for m in options.models if not os.path.exists(os.path.join(options.zoo, m + ".json"))]
    if missing:
        sys.exit(f"peers: not in the zoo (see bench/zoo.py): {' '.join(missing)}")
    all_results = {}
    for name in options.models:
        all_results[name] = bench_model(options, name)
        times = ", ".join(f"{TITLES[e]} {milliseconds(all_results[name].get(e))}" for e in options.engines)
        log(f"{name}: {times} ms")
    print_settings(options, all_results)
    print_table(all_results, options.engines, options.tolerance)
    if options.json:
        with open(options.json, "w") as f:
            json.dump({"threads": options.threads, "cpu": cpu_name(), "models": all_results}, f, indent=1)
    return int(any(burin_is_wrong(r, options.tolerance) for r in all_results.values()))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        worker_main(sys.argv[2:])
    else:
        sys.exit(main(sys.argv[1:]))
