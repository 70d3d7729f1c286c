"""PyTorch's side of benchmarks/loader.ts: one pass over the samples of a folder, and what it took."""

import json
import os
import sys
import time

import torch
from torch.utils.data import DataLoader, Dataset

folder, samples, workers, batch_size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
started = float(sys.argv[5])
FILES = ["surface_points", "surface_pressure", "surface_normals", "volume_points", "volume_velocity", "volume_sdf", "volume_normals"]


class Cars(Dataset):
    def __len__(self):
        return samples

    def __getitem__(self, index):
        root = os.path.join(folder, f"sample{index:04d}")
        return {name: torch.load(os.path.join(root, f"{name}.pt"), weights_only=True) for name in FILES}


def memory(pids):
    """Proportional set sizes, in KiB: pages that processes share count once."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup") as file:
                total += next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
        except (FileNotFoundError, ProcessLookupError, StopIteration):
            pass
    return total


torch.manual_seed(0)
start = time.perf_counter()
loader = DataLoader(Cars(), batch_size=batch_size, num_workers=workers, shuffle=True)
iterator = iter(loader)
next(iterator)
first = time.perf_counter() - start
since_start = time.time() - started
peak = 0
total = 0.0
pids = [os.getpid(), *(worker.pid for worker in getattr(iterator, "_workers", []))]
for number, batch in enumerate(iterator):
    total += float(batch["volume_sdf"].sum())
    if number % 40 == 0:
        peak = max(peak, memory(pids))
seconds = time.perf_counter() - start
print(json.dumps({"first": first, "since_start": since_start, "seconds": seconds, "kib": peak, "total": total}))
