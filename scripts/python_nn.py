"""Writes scripts/python-nn.json: the public names of Python's torch.nn, for scripts/generate-nn.ts.

    python scripts/python_nn.py > scripts/python-nn.json
"""

import inspect
import json

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrizations, parametrize, rnn


def public(module):
    return [name for name in dir(module) if not name.startswith("_")]


def own(module):
    return [name for name in public(module) if getattr(getattr(module, name), "__module__", "") == module.__name__]


functions = [
    name
    for name in public(F)
    if callable(getattr(F, name)) and not isinstance(getattr(F, name), type) and name not in ("Optional", "Callable")
]
surface = {
    "torch": torch.__version__.split("+")[0],
    "nn": [name for name in public(nn) if isinstance(getattr(nn, name), type)],
    "functional": functions,
    "module": public(nn.Module),
    "init": [name for name in public(nn.init) if inspect.isfunction(getattr(nn.init, name))],
    "utils": [name for name in public(nn.utils) if callable(getattr(nn.utils, name))],
    "parametrize": own(parametrize),
    "parametrizations": own(parametrizations),
    "rnn": rnn.__all__,
}
print(json.dumps(surface, indent=1))
