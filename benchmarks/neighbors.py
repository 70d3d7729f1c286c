"""PyTorch's and scipy's side of neighbors.ts.

    python neighbors.py THREADS FOLDER

For each line "what n": reads FOLDER/points.bin (n x 3 float32), searches all points among themselves and answers with JSON:
{"scipy": seconds, "cdist": seconds}; the edges of the blocked torch.cdist search go to FOLDER/edges.bin (int64).
"radius" is within the radius that holds 32 points on average, at most 32 of them; "knn" are the 32 nearest.
"""

import json
import math
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "reference"))
import numpy as np
import torch
import torch_reference as reference
from scipy.spatial import cKDTree

# More neighbours than asked for, as torch.topk may return any of those that are equally far as the last one.
TIES = 4


def lower_index_first(x, edges):
    """The 32 nearest of each query in order of distance, then of index: torch.topk leaves the order of ties open."""
    nearest = edges[1].view(-1, 32 + TIES)
    queries = edges[0].view(-1, 32 + TIES)[:, 0]
    distance = ((x[nearest] - x[queries].unsqueeze(1)) ** 2).sum(-1).sqrt()
    by_index = nearest.argsort(1)
    nearest, distance = nearest.gather(1, by_index), distance.gather(1, by_index)
    nearest = nearest.gather(1, distance.argsort(dim=1, stable=True))[:, :32]
    return torch.stack((queries.repeat_interleave(32), nearest.reshape(-1)))


threads, folder = int(sys.argv[1]), Path(sys.argv[2])
torch.set_num_threads(threads)
print("ready", flush=True)
for line in sys.stdin:
    what, n = line.split()
    n = int(n)
    points = np.fromfile(folder / "points.bin", dtype=np.float32).reshape(n, 3)
    r = (32 / (n * 4 / 3 * math.pi)) ** (1 / 3)
    start = time.perf_counter()
    tree = cKDTree(points)
    if what == "radius":
        tree.query_ball_point(points, r, workers=threads)
    else:
        tree.query(points, k=32, workers=threads)
    scipy_seconds = time.perf_counter() - start
    x = torch.from_numpy(points)
    # Of more points, as many queries are measured as make a billion pairs: the time grows in proportion.
    part = x[: min(n, 10**9 // n)]
    start = time.perf_counter()
    edges = reference.radius(x, part, r, 32) if what == "radius" else reference.knn(x, part, 32 + TIES)
    cdist_seconds = (time.perf_counter() - start) * len(x) / len(part)
    if what == "knn":
        edges = lower_index_first(x, edges)
    edges.contiguous().numpy().tofile(folder / "edges.bin")
    print(json.dumps({"scipy": scipy_seconds, "cdist": cdist_seconds}), flush=True)
