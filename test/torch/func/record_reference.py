"""Writes reference.json: what torch.func and torch.autograd.functional of PyTorch make of closed-form inputs, in float64.

python test/torch/func/record_reference.py
"""

import json
from pathlib import Path

import torch
from torch.autograd import functional as AF
from torch.func import functional_call, grad, grad_and_value, hessian, jacfwd, jacrev, jvp, stack_module_state, vjp, vmap

torch.set_default_dtype(torch.float64)


def ramp(*shape, scale=1.0):
    count = torch.Size(shape).numel()
    return (torch.arange(count, dtype=torch.float64) * 0.7 * scale).sin().reshape(shape)


W1, B1, W2, B2 = ramp(4, 3), ramp(4, scale=2), ramp(2, 4, scale=3), ramp(2, scale=4)
PARAMS = {"0.weight": W1, "0.bias": B1, "2.weight": W2, "2.bias": B2}
X, Y = ramp(5, 3, scale=5), ramp(5, 2, scale=6)


def model():
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2))
    net.load_state_dict(PARAMS)
    return net


net = model()


def loss(params, x, y):
    return ((functional_call(net, params, (x,)) - y) ** 2).mean()


def energy(x):
    return (torch.tanh(x @ W1.T) ** 3).sum()


def field(x):
    return torch.sin(x @ W1.T) * x.sum()


def pair(x, y):
    return x * y.sum(), (x.exp() * y).cumsum(0)


def plain(tree):
    if isinstance(tree, torch.Tensor):
        return tree.detach().tolist()
    if isinstance(tree, dict):
        return {key: plain(value) for key, value in tree.items()}
    return [plain(entry) for entry in tree]


params = dict(PARAMS)
ensemble = [model(), model()]
with torch.no_grad():
    for parameter in ensemble[1].parameters():
        parameter.mul_(-0.5)
stacked, buffers = stack_module_state(ensemble)

IMAGE, KERNEL = ramp(3, 2, 5, 5), ramp(4, 2, 3, 3, scale=2)
UNARY = {
    "softmax": lambda x: torch.softmax(x, -1),
    "layer_norm": lambda x: torch.nn.functional.layer_norm(x, (3,)),
    "matmul": lambda x: x @ W1.T,
    "cumsum": lambda x: x.cumsum(0),
    "index": lambda x: x[torch.tensor([2, 0])],
    "where": lambda x: torch.where(x > 0, x, -2 * x),
    "gelu": torch.nn.functional.gelu,
    "sort": lambda x: x.sort(descending=True)[0],
    "max": lambda x: x.max(0)[0],
    "norm": lambda x: torch.linalg.vector_norm(x),
    "outer": lambda x: torch.outer(x, x),
    "einsum": lambda x: torch.einsum("i,ij->j", x, W1.T),
}

reference = {
    "vmap": {name: plain(vmap(f)(X)) for name, f in UNARY.items()},
    "vmapGrad": {name: plain(vmap(grad(lambda x, f=f: f(x).pow(2).sum()))(X)) for name, f in UNARY.items()},
    "jvp": {name: plain(jvp(f, (X[0],), (X[1],))) for name, f in UNARY.items()},
    "conv": plain(vmap(lambda x: torch.nn.functional.conv2d(x.unsqueeze(0), KERNEL).squeeze(0).sum((1, 2)))(IMAGE)),
    "perSample": plain(vmap(grad(loss), in_dims=(None, 0, 0))(params, X, Y)),
    "gradAndValue": plain(grad_and_value(loss)(params, X, Y)),
    "argnums": plain(grad(lambda x, y: (x * y.exp()).sum(), argnums=(1, 0))(X[0], X[1])),
    "vjp": plain(vjp(pair, X[0], X[1])[1]((X[2], X[3]))),
    "jacrev": plain(jacrev(field)(X[0])),
    "jacfwd": plain(jacfwd(field)(X[0])),
    "jacrevPair": plain(jacrev(pair, argnums=(0, 1))(X[0], X[1])),
    "jacfwdPair": plain(jacfwd(pair, argnums=(0, 1))(X[0], X[1])),
    "hessian": plain(hessian(energy)(X[0])),
    "hessianPair": plain(hessian(lambda x, y: (x * y.exp()).sin().sum(), argnums=(0, 1))(X[0], X[1])),
    "third": plain(jacfwd(jacfwd(jacrev(energy)))(X[0])),
    "batchedHessian": plain(vmap(hessian(energy))(X)),
    "ensemble": plain(vmap(lambda p, b, x: functional_call(net, (p, b), (x,)), in_dims=(0, 0, None))(stacked, buffers, X)),
    "functional": {
        "vjp": plain(AF.vjp(field, X[0], ramp(4))),
        "jvp": plain(AF.jvp(field, X[0], X[1])),
        "vhp": plain(AF.vhp(energy, X[0], X[1])),
        "hvp": plain(AF.hvp(energy, X[0], X[1])),
        "jacobian": plain(AF.jacobian(field, X[0])),
        "jacobianPair": plain(AF.jacobian(pair, (X[0], X[1]))),
        "hessian": plain(AF.hessian(energy, X[0])),
        "hessianPair": plain(AF.hessian(lambda x, y: (x * y.exp()).sin().sum(), (X[0], X[1]))),
    },
}
Path(__file__).with_name("reference.json").write_text(json.dumps(reference, separators=(",", ":")) + "\n")
