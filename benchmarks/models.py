"""PyTorch's side of models.ts: the reference models on the ShapeNet-Car workload, one line of JSON per request.

    python models.py MODEL SCALE THREADS FOLDER [CLOUDS]

Writes weights and inputs to FOLDER/model.safetensors and prints "ready"; then answers "forward float32 3" or "train bfloat16 2"
with the times of that many repetitions, in seconds, and the outputs' file after a forward; a fourth word is the number of threads.
CLOUDS is the batch size: copies of the one cloud. "compiled-forward" and
"compiled-train" are the same under torch.compile.
"""

import contextlib
import functools
import json
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "reference"))
import bench_reference as bench
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

name, scale, threads, folder = sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
torch.set_num_threads(threads)
torch.manual_seed(0)
network = bench.build(name, scale)
inputs, targets = bench.workload(name, scale, torch.device("cpu"))


def batch_of(key, value, clouds):
    """Points, (1, N, C), are stacked; points of a graph, (N, C), and what belongs to them follow each other."""
    if key.endswith("batch_idx"):
        return torch.arange(clouds).repeat_interleave(len(value))
    if key.endswith("supernode_idx"):
        return torch.cat([value + i * len(value) for i in range(clouds)])
    return value.repeat(clouds, *[1] * (value.dim() - 1))


clouds = int(sys.argv[5]) if len(sys.argv) > 5 else 1
inputs = {key: batch_of(key, value, clouds) for key, value in inputs.items()}
targets = {key: batch_of(key, value, clouds) for key, value in targets.items()}
tensors = {f"weight.{k}": v for k, v in network.state_dict().items()}
tensors |= {f"input.{k}": v for k, v in inputs.items()} | {f"target.{k}": v for k, v in targets.items()}
save_file({k: v.contiguous().clone() for k, v in tensors.items()}, folder / "model.safetensors")

adamw = name == "transolver"
optimizer = bench.OptimizerWrapper(network, bench._ADAMW if adamw else bench._LION, 1000, **({"fused": True} if adamw else {}))
updates = 0


def precision(dtype):
    return torch.autocast("cpu", torch.bfloat16) if dtype == "bfloat16" else contextlib.nullcontext()


@functools.cache
def compiled(dtype):
    """Compiles at the first call; one for each type, as autocast is part of what is compiled."""
    return torch.compile(network)


@torch.inference_mode()
def forward(dtype, run=network):
    network.eval()
    with precision(dtype):
        return run(**inputs)


def train(dtype, run=network):
    global updates
    network.train()
    optimizer.schedule_step(updates)
    with precision(dtype):
        outputs = run(**inputs)
        loss = sum(F.mse_loss(outputs[key], target) for key, target in targets.items())
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    updates += 1
    return loss


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def resident(name):
    """VmRSS or VmHWM in bytes."""
    line = next(line for line in open("/proc/self/status") if line.startswith(name))
    return int(line.split()[1]) * 1024


print("ready", flush=True)
for line in sys.stdin:
    what, dtype, repetitions, *of_threads = line.split()
    for count in of_threads:
        torch.set_num_threads(int(count))
    if what == "memory":
        before = resident("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        for _ in range(int(repetitions)):
            train(dtype)
        print(json.dumps({"peak": resident("VmHWM") - before}), flush=True)
        continue
    run = compiled(dtype) if what.startswith("compiled-") else network
    work = forward if what.endswith("forward") else train
    times = []
    for _ in range(int(repetitions)):
        wall, cpu = time.perf_counter(), cpu_seconds()
        result = work(dtype, run)
        times.append({"wall": time.perf_counter() - wall, "cpu": cpu_seconds() - cpu})
    if what == "forward":
        save_file({k: v.float().contiguous() for k, v in result.items()}, folder / "outputs.safetensors")
    print(json.dumps(times), flush=True)
