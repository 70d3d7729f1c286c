"""PyTorch's side of gpu.ts on a GPU: as models.py, but eager and compiled, and timed in blocks between synchronisations.

    python gpu.py MODEL SCALE DEVICE FOLDER

Writes weights and inputs to FOLDER/model.safetensors and prints "ready"; then answers "eager train bfloat16 20" or
"compile forward float32 20" with the seconds of one of that many repetitions, or with what went wrong.
"""

import contextlib
import json
import os
import sys
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "reference"))
import bench_reference as bench
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

name, scale, device, folder = sys.argv[1], float(sys.argv[2]), torch.device(sys.argv[3]), Path(sys.argv[4])
torch.manual_seed(0)
network = bench.build(name, scale).to(device)
inputs, targets = bench.workload(name, scale, device)
tensors = {f"weight.{k}": v for k, v in network.state_dict().items()}
tensors |= {f"input.{k}": v for k, v in inputs.items()} | {f"target.{k}": v for k, v in targets.items()}
save_file({k: v.cpu().contiguous().clone() for k, v in tensors.items()}, folder / "model.safetensors")
networks = {"eager": network, "compile": torch.compile(network)}

adamw = name == "transolver"
options = {"fused": True} if adamw else {}
optimizer = bench.OptimizerWrapper(network, bench._ADAMW if adamw else bench._LION, 100_000, **options)
updates = 0


def precision(dtype):
    return contextlib.nullcontext() if dtype == "float32" else torch.autocast(device.type, getattr(torch, dtype))


@torch.inference_mode()
def forward(how, dtype):
    network.eval()
    with precision(dtype):
        return networks[how](**inputs)


def train(how, dtype):
    global updates
    network.train()
    optimizer.schedule_step(updates)
    with precision(dtype):
        outputs = networks[how](**inputs)
        loss = sum(F.mse_loss(outputs[key], target) for key, target in targets.items())
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    updates += 1
    return loss


def synchronize():
    if device.type == "cuda":
        torch.cuda.synchronize()


def block(body, how, dtype, repetitions):
    synchronize()
    start, cpu = time.perf_counter(), time.process_time()
    for _ in range(repetitions):
        result = body(how, dtype)
    host = time.perf_counter() - start
    synchronize()
    wall = time.perf_counter() - start
    return result, {"wall": wall / repetitions, "host": host / repetitions}


print("ready", flush=True)
for line in sys.stdin:
    how, what, dtype, repetitions = line.split()
    try:
        result, times = block(forward if what == "forward" else train, how, dtype, int(repetitions))
        if what == "forward":
            save_file({k: v.float().cpu().contiguous() for k, v in result.items()}, folder / "outputs.safetensors")
    except Exception as error:  # a compiler that is missing, say: the other rows can be measured all the same
        traceback.print_exc()
        times = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(times), flush=True)
sys.stdout.flush()
os._exit(0)  # without the seconds in which compiled kernels' worker processes end
