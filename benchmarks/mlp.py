"""PyTorch's side of mlp.ts: runs as many updates as a line of stdin asks for, and answers with seconds an update."""

import json
import sys
import time

import torch
from torch import nn

torch.set_num_threads(1)
width, batch = int(sys.argv[1]), int(sys.argv[2])


def make(fused):
    model = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=fused)
    x, y = torch.randn(batch, width), torch.randn(batch, width)

    def update():
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()

    return update


updates = {"default": make(None), "fused": make(True)}
for line in sys.stdin:
    name, count = line.split()
    update, count = updates[name], int(count)
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(count):
        update()
    print(json.dumps({"wall": (time.perf_counter() - wall) / count, "cpu": (time.process_time() - cpu) / count}), flush=True)
