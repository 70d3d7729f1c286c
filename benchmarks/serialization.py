"""PyTorch's side of serialization.ts: answers commands on stdin, one JSON line each, so that both sides can take turns."""

import json
import os
import sys
import time

import torch


def rss(field):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(field))


def timed(body):
    cpu, wall = time.process_time(), time.perf_counter()
    result = body()
    return result, {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


tensors, elements = int(sys.argv[1]), int(sys.argv[2])
state = {f"layers.{i}.weight": torch.randn(elements) for i in range(tensors)}
for line in sys.stdin:
    command, path = line.split()
    if command == "save":
        answer = timed(lambda: torch.save(state, path))[1]
    elif command == "save+fsync":

        def save_to_disk():
            torch.save(state, path)
            fd = os.open(path, os.O_RDWR)
            os.fsync(fd)
            os.close(fd)

        answer = timed(save_to_disk)[1]
    elif command == "load":
        answer = timed(lambda: torch.load(path, weights_only=True))[1]
    elif command == "mmap":
        answer = timed(lambda: torch.load(path, weights_only=True, mmap=True))[1]
    elif command == "peak":
        state = None
        before = rss("VmRSS")
        with open("/proc/self/clear_refs", "w") as clear:
            clear.write("5")
        loaded = torch.load(path, weights_only=True)
        answer = {"bytes": rss("VmHWM") - before}
    print(json.dumps(answer), flush=True)
