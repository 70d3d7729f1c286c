"""Time the reference models on the ShapeNet-Car workload of the specification (6.4 and 6.5), in plain PyTorch.

    python bench_reference.py MODEL SCALE [--dtype float32|bfloat16] [--train] [--device cpu|cuda] [--threads N]

MODEL is ab_upt, upt, transformer or transolver; SCALE multiplies the number of points (1 = 3586 surface and 4096 volume
points, one sample). The models always have their full width and depth. The radius of the supernode graph is
9 / sqrt(SCALE), so a supernode has about as many neighbours at every scale.

Forward is timed without gradients. ``--train`` adds the full training step: learning-rate schedule, forward, loss,
backward, gradient clipping, optimizer (Lion; AdamW for transolver), clearing of gradients. bfloat16 means autocast
around forward and loss; parameters stay float32. One JSON line is printed; times are medians in milliseconds.

Inputs and targets have closed forms (see ``workload``), so that another implementation can use the same ones.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import platform
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import torch_reference as reference
from torch_reference import ContinuousSincosEmbed, LinearProjection, MLP, RopeFrequency
from train_reference import OptimizerWrapper

# ----------------------------------------------------------------------------------------------------------------
# The trainable wrappers (6.1, 6.2), as far as the ShapeNet-Car configuration uses them
# ----------------------------------------------------------------------------------------------------------------

HIDDEN_DIM, NUM_HEADS, DEPTH, POSITION_DIM = 192, 3, 12, 3
DATA_SPECS = {"position_dim": POSITION_DIM, "surface_output_dims": {"pressure": 1}, "volume_output_dims": {"velocity": 3}}
BLOCK = {"hidden_dim": HIDDEN_DIM, "num_heads": NUM_HEADS, "mlp_expansion_factor": 4}


class BaseModel(nn.Module):
    """Entries that the wrappers share; they come first in the state dict."""

    def __init__(self, use_bias_layers: bool, use_output_projection: bool) -> None:
        super().__init__()
        self.pos_embed = ContinuousSincosEmbed(HIDDEN_DIM, POSITION_DIM)
        if use_bias_layers:
            self.surface_bias = MLP(HIDDEN_DIM, HIDDEN_DIM, HIDDEN_DIM)
            self.volume_bias = MLP(HIDDEN_DIM, HIDDEN_DIM, HIDDEN_DIM)
        if use_output_projection:
            self.norm = nn.LayerNorm(HIDDEN_DIM, eps=1e-6)
            self.out = LinearProjection(HIDDEN_DIM, 4, init_weights="truncnormal002")

    def embed(self, embedding: nn.Module, surface_position: Tensor, volume_position: Tensor) -> Tensor:
        surface, volume = embedding(surface_position), embedding(volume_position)
        return torch.cat((self.surface_bias(surface), self.volume_bias(volume)), dim=1)

    @staticmethod
    def gather_outputs(y: Tensor, num_surface: int) -> dict[str, Tensor]:
        return {"surface_pressure": y[:, :num_surface, 0:1], "volume_velocity": y[:, num_surface:, 1:4]}


class ABUPT(BaseModel):
    def __init__(self, radius: float) -> None:
        super().__init__(use_bias_layers=False, use_output_projection=False)
        self.ab_upt = reference.AnchoredBranchedUPT(
            hidden_dim=HIDDEN_DIM,
            geometry_depth=1,
            physics_blocks=["perceiver", "shared", *["cross", "shared"] * 4],
            num_surface_blocks=2,
            num_volume_blocks=2,
            supernode_pooling_config={"input_dim": POSITION_DIM, "radius": radius},
            transformer_block_config={**BLOCK, "use_rope": True},
            data_specs=DATA_SPECS,
        )

    def forward(self, **inputs: Tensor) -> dict[str, Tensor]:
        return self.ab_upt(**inputs)


class UPT(BaseModel):
    def __init__(self, radius: float) -> None:
        super().__init__(use_bias_layers=True, use_output_projection=False)
        self.upt_backbone = reference.UPT(
            hidden_dim=HIDDEN_DIM,
            num_heads=NUM_HEADS,
            mlp_expansion_factor=4,
            approximator_depth=DEPTH,
            use_rope=True,
            supernode_pooling_config={"input_dim": POSITION_DIM, "radius": radius},
            approximator_config={},
            decoder_config={"depth": DEPTH, "input_dim": POSITION_DIM, "perceiver_block_config": {}},
            data_specs=DATA_SPECS,
        )

    def forward(
        self,
        surface_position_batch_idx: Tensor,
        surface_position_supernode_idx: Tensor,
        surface_position: Tensor,
        surface_query_position: Tensor,
        volume_query_position: Tensor,
    ) -> dict[str, Tensor]:
        y = self.upt_backbone.predict(
            surface_position_batch_idx,
            surface_position_supernode_idx,
            surface_position,
            torch.cat((surface_query_position, volume_query_position), dim=1),
            self.embed(self.upt_backbone.pos_embed, surface_query_position, volume_query_position),
        )
        return self.gather_outputs(y, surface_query_position.shape[1])


class Transformer(BaseModel):
    def __init__(self) -> None:
        super().__init__(use_bias_layers=True, use_output_projection=True)
        self.encoder = ContinuousSincosEmbed(HIDDEN_DIM, POSITION_DIM)
        self.rope = RopeFrequency(HIDDEN_DIM // NUM_HEADS, POSITION_DIM, implementation="real")
        self.transfomer_backbone = reference.Transformer(HIDDEN_DIM, DEPTH, {**BLOCK, "use_rope": True})

    def forward(self, surface_position: Tensor, volume_position: Tensor) -> dict[str, Tensor]:
        x = self.embed(self.encoder, surface_position, volume_position)
        freqs = self.rope(torch.cat((surface_position, volume_position), dim=1))
        y = self.out(self.norm(self.transfomer_backbone(x, {"freqs": freqs})))
        return self.gather_outputs(y, surface_position.shape[1])


class Transolver(BaseModel):
    """With physics attention in every block, 512 slices."""

    def __init__(self) -> None:
        super().__init__(use_bias_layers=True, use_output_projection=True)
        self.placeholder = nn.Parameter(torch.rand(1, 1, HIDDEN_DIM) / HIDDEN_DIM)
        self.transolver_backbone = reference.Transolver(
            HIDDEN_DIM, DEPTH, BLOCK, attention_constructor="transolver", attention_arguments={"num_slices": 512}
        )

    def forward(self, surface_position: Tensor, volume_position: Tensor) -> dict[str, Tensor]:
        x = self.embed(self.pos_embed, surface_position, volume_position) + self.placeholder
        y = self.out(self.norm(self.transolver_backbone(x, {})))
        return self.gather_outputs(y, surface_position.shape[1])


_SCHEDULE = {"warmup_percent": 0.05, "end_value": 1e-6}
_LION = {
    "kind": "noether.core.optimizer.Lion", "lr": 5e-5, "weight_decay": 0.05, "clip_grad_norm": 0.25,
    "schedule_config": {**_SCHEDULE, "max_value": 5e-5},
}  # fmt: skip
_ADAMW = {
    "kind": "torch.optim.AdamW", "lr": 1e-3, "weight_decay": 0.05, "clip_grad_norm": 1.0,
    "schedule_config": {**_SCHEDULE, "max_value": 1e-3},
}  # fmt: skip
# Parameters and their number of tensors, from 6.6: a check that the configuration is the one meant.
PARAMETERS = {"ab_upt": (7007236, 202), "upt": (11015620, 354), "transformer": (5487748, 156), "transolver": (5590120, 229)}


def build(model: str, scale: float) -> nn.Module:
    radius = 9.0 / math.sqrt(scale)
    network = {
        "ab_upt": lambda: ABUPT(radius),
        "upt": lambda: UPT(radius),
        "transformer": Transformer,
        "transolver": Transolver,
    }[model]()
    parameters = list(network.parameters())
    assert (sum(p.numel() for p in parameters), len(parameters)) == PARAMETERS[model]
    return network


# ----------------------------------------------------------------------------------------------------------------
# Workload
# ----------------------------------------------------------------------------------------------------------------


def surface_points(n: int) -> Tensor:
    """(n, 3): a Fibonacci lattice on an ellipsoid about the size of a car in the normalised domain [0, 1000]^3. The order
    is scrambled by a fixed stride so that neighbours in space are not neighbours in memory."""
    stride = max(1, round(0.618 * n))
    while math.gcd(stride, n) != 1:
        stride += 1
    i = torch.arange(n, dtype=torch.float64) * stride % n
    height = 1 - (2 * i + 1) / n
    ring, angle = (1 - height**2).sqrt(), i * (math.pi * (3 - math.sqrt(5)))
    unit = torch.stack((height, ring * angle.cos(), ring * angle.sin()), dim=-1)
    return (430 + unit * torch.tensor([190.0, 80.0, 70.0], dtype=torch.float64)).float()


def volume_points(n: int) -> Tensor:
    """(n, 3): an additive recurrence that fills [0, 1000]^3 evenly."""
    step = 1.2207440846057596 ** -torch.arange(1, 4, dtype=torch.float64)
    return (1000 * ((0.5 + torch.arange(1, n + 1, dtype=torch.float64).unsqueeze(-1) * step) % 1)).float()


def workload(model: str, scale: float, device: torch.device) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Inputs and targets of one sample."""
    surface, volume = surface_points(max(1, round(3586 * scale))), volume_points(max(1, round(4096 * scale)))
    batch_idx, supernode_idx = torch.zeros(len(surface), dtype=torch.long), torch.arange(len(surface))
    inputs = {
        "ab_upt": {
            "geometry_position": surface,
            "geometry_supernode_idx": supernode_idx,
            "geometry_batch_idx": batch_idx,
            "surface_anchor_position": surface[None],
            "volume_anchor_position": volume[None],
        },
        "upt": {
            "surface_position_batch_idx": batch_idx,
            "surface_position_supernode_idx": supernode_idx,
            "surface_position": surface,
            "surface_query_position": surface[None],
            "volume_query_position": volume[None],
        },
    }.get(model, {"surface_position": surface[None], "volume_position": volume[None]})
    targets = {"surface_pressure": (surface[None, :, :1] / 50).sin(), "volume_velocity": (volume[None] / 50).cos()}
    return {k: v.to(device) for k, v in inputs.items()}, {k: v.to(device) for k, v in targets.items()}


def count_edges(network: nn.Module, inputs: dict[str, Tensor]) -> int | None:
    """Messages in the supernode graph, in which every point is a supernode."""
    pooling = next((module for module in network.modules() if isinstance(module, reference.SupernodePooling)), None)
    if pooling is None:
        return None
    position = inputs["geometry_position" if "geometry_position" in inputs else "surface_position"]
    return pooling.edges(position, torch.arange(len(position), device=position.device), None).shape[1]


# ----------------------------------------------------------------------------------------------------------------
# Timing
# ----------------------------------------------------------------------------------------------------------------


def measure(step: Callable[[], Any], device: torch.device, warmup: int, repetitions: int) -> list[float]:
    """Wall-clock milliseconds of each repetition, from an idle device to an idle device."""
    synchronize = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    for _ in range(warmup):
        step()
    times = []
    for _ in range(repetitions):
        synchronize()
        start = time.perf_counter()
        step()
        synchronize()
        times.append((time.perf_counter() - start) * 1e3)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=lambda name: name.lower().replace("-", "_"), choices=list(PARAMETERS))
    parser.add_argument("scale", type=float, help="factor on the number of points, 1 = the reference workload")
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--train", action="store_true", help="also time full training steps")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, help="CPU threads (default: torch's choice)")
    parser.add_argument("--warmup", type=int, default=3)
    parser.add_argument("--repetitions", type=int, default=10)
    options = parser.parse_args()
    if options.scale <= 0:
        parser.error("SCALE must be positive")
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    device = torch.device(options.device)

    network = build(options.model, options.scale).to(device)
    inputs, targets = workload(options.model, options.scale, device)

    def precision():
        return torch.autocast(device.type, torch.bfloat16) if options.dtype == "bfloat16" else contextlib.nullcontext()

    @torch.inference_mode()
    def forward() -> dict[str, Tensor]:
        with precision():
            return network(**inputs)

    tokens = {"surface": targets["surface_pressure"].shape[1], "volume": targets["volume_velocity"].shape[1]}
    result: dict[str, Any] = {
        "implementation": "pytorch",
        "torch": torch.__version__,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or platform.machine(),
        "device_type": device.type,
        "threads": torch.get_num_threads(),
        "model": options.model,
        "scale": options.scale,
        "dtype": options.dtype,
        "parameters": PARAMETERS[options.model][0],
        "tokens": tokens,
        "edges": count_edges(network, inputs),
        "warmup": options.warmup,
        "repetitions": options.repetitions,
    }

    def record(name: str, times: list[float]) -> None:
        result[f"{name}_ms"] = round(statistics.median(times), 3)
        result[f"{name}_ms_min"] = round(min(times), 3)
        if device.type == "cuda":
            result[f"{name}_peak_mib"] = round(torch.cuda.max_memory_allocated(device) / 2**20, 1)
            torch.cuda.reset_peak_memory_stats(device)

    network.eval()
    record("forward", measure(forward, device, options.warmup, options.repetitions))

    if options.train:
        network.train()
        updates = options.warmup + options.repetitions
        adamw = options.model == "transolver"
        optimizer = OptimizerWrapper(network, _ADAMW if adamw else _LION, updates, **({"fused": True} if adamw else {}))
        losses: list[Tensor] = []

        def train_step() -> None:
            optimizer.schedule_step(len(losses))
            with precision():
                outputs = network(**inputs)
                loss = sum(F.mse_loss(outputs[name], target) for name, target in targets.items())
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            losses.append(loss.detach())

        record("train", measure(train_step, device, options.warmup, options.repetitions))
        result["first_loss"], result["last_loss"] = losses[0].item(), losses[-1].item()
    print(json.dumps(result))


if __name__ == "__main__":
    main()
