"""PyTorch's side of distributed.ts: one process of a DistributedDataParallel group, one line of JSON per request.

    python distributed.py THREADS FOLDER        with RANK, WORLD_SIZE, INIT_METHOD

Requests: "model NAME SCALE" (rank 0 writes weights and inputs to FOLDER/NAME.safetensors), "train", "reduce PARAMETERS",
"loss". Answers are seconds, or the loss.
"""

import json
import os
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "reference"))
import bench_reference as bench
import torch
import torch.distributed as dist
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

threads, folder = int(sys.argv[1]), Path(sys.argv[2])
rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
torch.set_num_threads(threads)
dist.init_process_group("gloo", init_method=os.environ["INIT_METHOD"], rank=rank, world_size=world)


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def timed(body):
    dist.barrier()
    wall, cpu = time.perf_counter(), cpu_seconds()
    body()
    return {"wall": time.perf_counter() - wall, "cpu": cpu_seconds() - cpu}


def answer(value):
    print(json.dumps(value), flush=True)


class Training:
    def __init__(self, name, scale):
        torch.manual_seed(0)
        network = bench.build(name, scale)
        self.inputs, self.targets = bench.workload(name, scale, torch.device("cpu"))
        if rank == 0:
            tensors = {f"weight.{k}": v for k, v in network.state_dict().items()}
            tensors |= {f"input.{k}": v for k, v in self.inputs.items()} | {f"target.{k}": v for k, v in self.targets.items()}
            save_file({k: v.contiguous().clone() for k, v in tensors.items()}, folder / f"{name}.safetensors")
        self.ddp = nn.parallel.DistributedDataParallel(network)
        adamw = name == "transolver"
        options = {"fused": True} if adamw else {}
        self.optimizer = bench.OptimizerWrapper(network, bench._ADAMW if adamw else bench._LION, 1000, **options)
        self.updates = 0
        self.loss = float("nan")

    def step(self):
        self.ddp.train()
        self.optimizer.schedule_step(self.updates)
        outputs = self.ddp(**self.inputs)
        loss = sum(F.mse_loss(outputs[key], target) for key, target in self.targets.items())
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.updates += 1
        self.loss = loss.item()


class Reduction:
    """Backward passes of a model that only adds its parameters up: the time is that of the gradients' exchange."""

    def __init__(self, parameters):
        class Sum(nn.Module):
            def __init__(self):
                super().__init__()
                rows = max(1, parameters // 1_000_000)
                self.parts = nn.ParameterList([nn.Parameter(torch.zeros(parameters // rows)) for _ in range(rows)])

            def forward(self):
                return sum(part.sum() for part in self.parts)

        self.ddp = nn.parallel.DistributedDataParallel(Sum())

    def step(self):
        self.ddp().backward()
        for parameter in self.ddp.parameters():
            parameter.grad = None


answer("ready")
current = None
for line in sys.stdin:
    what, *arguments = line.split()
    if what == "model":
        current = Training(arguments[0], float(arguments[1]))
        answer("ready")
    elif what == "reduction":
        current = None
        current = Reduction(int(arguments[0]))
        answer("ready")
    elif what == "step":
        answer(timed(current.step))
    elif what == "loss":
        answer(current.loss)
dist.destroy_process_group()
