"""The other side of benchmarks/chunks.ts: the same weights in PyTorch, geometry and anchors computed again with every chunk.

    python benchmarks/chunks.py FOLDER ANCHORS CHUNK THREADS

Reads FOLDER/inputs.npz, writes FOLDER/fields.npz, prints the seconds.
"""

import sys
import time

import numpy as np
import torch

folder, anchors, size, threads = sys.argv[1], *map(int, sys.argv[2:5])
sys.argv[1:] = ["0", str(threads), "1"]
from serving import SUPERNODES, chosen, model, physical, scaled

torch.set_num_threads(threads)
inputs = {name: scaled(name, torch.from_numpy(values)) for name, values in np.load(f"{folder}/inputs.npz").items()}


@torch.inference_mode()
def predict(count: int) -> dict[str, torch.Tensor]:
    surface, volume = inputs["surface_position"], inputs["volume_position"]
    fixed = {
        "geometry_position": surface,
        "geometry_supernode_idx": chosen(len(surface), SUPERNODES, 0),
        "geometry_batch_idx": torch.zeros(len(surface), dtype=torch.int64),
        "surface_anchor_position": surface[chosen(len(surface), anchors, 1)].unsqueeze(0),
        "volume_anchor_position": volume[chosen(len(volume), anchors, 2)].unsqueeze(0),
        "inflow_design_parameters": inputs["inflow_design_parameters"].unsqueeze(0),
    }
    parts: dict[str, list[torch.Tensor]] = {}
    for name, positions in (("surface", surface), ("volume", volume[:count])):
        for part in positions.split(size):
            fields = model(**fixed, **{f"query_{name}_position": part.unsqueeze(0)})
            for key, values in fields.items():
                if key.startswith(f"query_{name}_"):
                    parts.setdefault(key.removeprefix("query_"), []).append(values.squeeze(0))
    return {name: physical(name, torch.cat(values)) for name, values in parts.items()}


predict(2 * size)  # warm-up
start = time.perf_counter()
result = predict(len(inputs["volume_position"]))
print(time.perf_counter() - start)
np.savez(f"{folder}/fields.npz", **{name: values.numpy() for name, values in result.items()})
