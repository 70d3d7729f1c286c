"""The other side of benchmarks/serving.ts: the same run behind FastAPI and uvicorn, computed by PyTorch.

    python benchmarks/serving.py PORT THREADS PREDICTIONS

Reads NOETHER_CHECKPOINT (`noether-ts export --format 1.1 -o run.th`) and NOETHER_EXPORT (`noether-ts export -o run.pt`). It knows the
pipeline of examples/airfoil. PREDICTIONS run at a time, with THREADS threads of the operators of each.
"""

import base64
import json
import os
import sys
import threading

import numpy as np
import torch
import uvicorn
from fastapi import FastAPI, Response
from pydantic import BaseModel

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "reference"))
from torch_reference import AnchoredBranchedUPT, _BASE_FIELDS, without_computed_fields

SUPERNODES, SURFACE_ANCHORS, VOLUME_ANCHORS = 48, 128, 192

checkpoint = torch.load(os.environ["NOETHER_CHECKPOINT"], weights_only=True)
export = torch.load(os.environ["NOETHER_EXPORT"], weights_only=True)
config = without_computed_fields(checkpoint["model_config"])
specs = {key: config["data_specs"][key] for key in ("position_dim", "surface_output_dims", "volume_output_dims", "conditioning_dims")}
block = {key: config["transformer_block_config"][key] for key in ("num_heads", "mlp_expansion_factor", "use_rope", "eps", "bias")}
pooling = {key: config["supernode_pooling_config"][key] for key in ("input_dim", "radius", "max_degree")}
shared = {key: value for key, value in config.items() if key not in _BASE_FIELDS}
model = AnchoredBranchedUPT(
    **{**shared, "data_specs": specs, "transformer_block_config": block, "supernode_pooling_config": pooling}
)
prefix = "ab_upt."
model.load_state_dict({key.removeprefix(prefix): value for key, value in checkpoint["state_dict"].items()})
model.eval()
model.requires_grad_(False)

app = FastAPI()
threads, predictions = int(sys.argv[2]), int(sys.argv[3])
turns = threading.Semaphore(predictions)


class Numbers(BaseModel):
    shape: list[int]
    base64: str

    def tensor(self) -> torch.Tensor:
        return torch.from_numpy(np.frombuffer(base64.b64decode(self.base64), np.float32).reshape(self.shape).copy())


class Request(BaseModel):
    inputs: dict[str, Numbers]
    encoding: str


def scaled(name: str, values: torch.Tensor) -> torch.Tensor:
    for step in export["scales"][name]:
        values = (values + step["shift"]) * step["scale"]
    return values


def physical(name: str, values: torch.Tensor) -> torch.Tensor:
    for step in reversed(export["scales"][name]):
        values = values / step["scale"] - step["shift"]
    return values


def chosen(rows: int, count: int, seed: int) -> torch.Tensor:
    return torch.randperm(rows, generator=torch.Generator().manual_seed(seed))[:count]


@torch.inference_mode()
def predict(inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    values = {name: scaled(name, tensor) for name, tensor in inputs.items()}
    surface, volume = values["surface_position"], values["volume_position"]
    fields = model(
        geometry_position=surface,
        geometry_supernode_idx=chosen(len(surface), SUPERNODES, 0),
        geometry_batch_idx=torch.zeros(len(surface), dtype=torch.int64),
        surface_anchor_position=surface[chosen(len(surface), SURFACE_ANCHORS, 1)].unsqueeze(0),
        volume_anchor_position=volume[chosen(len(volume), VOLUME_ANCHORS, 2)].unsqueeze(0),
        query_surface_position=surface.unsqueeze(0),
        query_volume_position=volume.unsqueeze(0),
        inflow_design_parameters=values["inflow_design_parameters"].unsqueeze(0),
    )
    names = [name.removeprefix("query_") for name in fields if name.startswith("query_")]
    return {name: physical(name, fields[f"query_{name}"].squeeze(0)) for name in names}


def encoded(values: torch.Tensor) -> dict:
    array = values.squeeze(-1).contiguous().numpy()
    return {"shape": list(array.shape), "base64": base64.b64encode(array.tobytes()).decode()}


@app.post("/predict")
def answer(request: Request) -> Response:
    inputs = {name: numbers.tensor() for name, numbers in request.inputs.items()}
    with turns:
        torch.set_num_threads(threads)  # OpenMP keeps it for each thread
        fields = predict(inputs)
    body = json.dumps({"fields": {name: encoded(values) for name, values in fields.items()}})
    return Response(body, media_type="application/json")


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
