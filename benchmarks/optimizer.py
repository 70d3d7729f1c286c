"""The PyTorch side of optimizer.ts: reads "kind count", answers with the median microseconds of a step."""

import sys
import time

import torch

torch.set_num_threads(1)
for line in sys.stdin:
    kind, parameters, steps = line.split()
    params = [torch.full((8, 8), 0.5, requires_grad=True) for _ in range(int(parameters))]
    for param in params:
        param.grad = torch.full((8, 8), 0.01)
    options = {"fused": {"fused": True}, "default": {}}[kind]
    optimizer = torch.optim.AdamW(params, lr=1e-3, **options)
    for _ in range(5):
        optimizer.step()
    times = []
    for _ in range(int(steps)):
        start = time.perf_counter()
        optimizer.step()
        times.append(time.perf_counter() - start)
    print(sorted(times)[len(times) // 2] * 1e6, flush=True)
