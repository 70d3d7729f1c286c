"""Writes fixtures/*.pt2 and fixtures/expected.json: programs of torch.export, and what PyTorch makes of closed-form inputs.

python test/torch/export/record_reference.py
"""

import json
from pathlib import Path

import torch
from torch import nn
from torch.export import Dim, export, save

folder = Path(__file__).with_name("fixtures")


def ramp(*shape, scale=1.0):
    count = torch.Size(shape).numel()
    return (torch.arange(count, dtype=torch.float64) * 0.7 * scale).sin().reshape(shape).float()


def fill(model):
    for index, parameter in enumerate(model.parameters()):
        parameter.data = ramp(*parameter.shape, scale=index + 1)
    return model


class Vision(nn.Module):
    """Weights, buffers that are saved and that are not, a dict with a tuple as result, an argument by name, an open size."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.head = nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Linear(4, 5)
        self.register_buffer("scale", torch.tensor(2.0))
        self.register_buffer("shift", torch.arange(5.0), persistent=False)

    def forward(self, x, *, alpha: float = 1.0):
        pooled = torch.relu(self.norm(self.conv(x))).mean(dim=(2, 3))
        best, index = torch.max(self.head(pooled) * self.scale + self.shift, dim=1)
        return {"scores": self.head(pooled) * alpha, "best": (best, index)}


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, dropout=0.0, activation="gelu")

    def forward(self, tokens):
        return self.layer(tokens)


class Sizes(nn.Module):
    """Arithmetic of sizes, slices to the end, floats that are whole numbers, a list as argument, None as result, control flow."""

    def forward(self, x, pair):
        n = x.shape[0]
        a, b = pair
        halves = torch.cat([x * 2.0, x[1:]], 0)
        counts = torch.ones(n * 2 - 1, dtype=torch.int64) * 2.0
        with torch.no_grad():
            frozen = a + 1
        chosen = torch.cond(x.sum() > 0, lambda t: t.sin(), lambda t: t.cos(), (b,))
        return [halves, counts, None, frozen * chosen, x.reshape(-1, 1).expand(-1, 3)[:, -1]]


class Training(nn.Module):
    """Buffers that are written."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(3)
        self.register_buffer("calls", torch.tensor(0))

    def forward(self, x):
        self.calls.add_(1)
        return self.norm(x)


def plain(tree):
    if isinstance(tree, torch.Tensor):
        return tree.tolist()
    if isinstance(tree, dict):
        return {key: plain(value) for key, value in tree.items()}
    return [plain(entry) for entry in tree] if isinstance(tree, (list, tuple)) else tree


def write(name, program):
    """Without the lines of this file's author's machine, and without inputs."""
    for module in [program.graph_module, *(m for m in program.graph_module.modules() if isinstance(m, torch.fx.GraphModule))]:
        for node in module.graph.nodes:
            for key in ("stack_trace", "nn_module_stack", "source_fn_stack", "torch_fn"):
                node.meta.pop(key, None)
    program._example_inputs = None
    save(program, folder / f"{name}.pt2")


expected = {}
batch = Dim("batch", min=1, max=64)

vision = fill(Vision()).eval()
x = ramp(2, 3, 6, 6, scale=5)
program = export(vision, (x,), {"alpha": 0.5}, dynamic_shapes={"x": {0: batch}, "alpha": None})
write("vision", program)
expected["vision"] = plain(vision(ramp(3, 3, 6, 6, scale=5), alpha=0.5))
weights = [w for w in vision.parameters()]
sum(v.sum() for v in vision(x, alpha=0.5).values() if isinstance(v, torch.Tensor)).backward()
expected["visionGradient"] = plain(vision.conv.weight.grad)

attention = fill(Attention()).eval()
tokens = ramp(2, 5, 8, scale=3)
program = export(attention, (tokens,), dynamic_shapes={"tokens": {0: batch}})
write("attention", program)
write("attention-core", program.run_decompositions())
expected["attention"] = plain(attention(tokens))

n = Dim("n", min=3, max=1000)
sizes = Sizes()
pair = [ramp(4, scale=2), ramp(4, scale=4)]
program = export(sizes, (ramp(6, scale=7), pair), dynamic_shapes={"x": {0: n}, "pair": [None, None]})
write("sizes", program)
expected["sizes"] = plain(sizes(ramp(9, scale=7), pair))
expected["sizesNegative"] = plain(sizes(-ramp(9, scale=7).abs(), pair))

training = Training().train()
program = export(training, (ramp(4, 3),))
write("training", program)
write("training-functional", program.run_decompositions())
training(ramp(4, 3))
expected["training"] = [plain(training(ramp(4, 3, scale=2))), plain(training.norm.running_mean), training.calls.item()]

(folder / "expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")
