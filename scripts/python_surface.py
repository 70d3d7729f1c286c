"""Writes scripts/python-surface.json: which builtin operators Python's torch exposes, and where.

Run with the torch version that the addon links (2.13):

    python scripts/python_surface.py > scripts/python-surface.json

The snapshot decides which ATen operators get a function, a method and a line in docs/operators.md.
`documented` lists the names that carry a docstring, so only these get a link to PyTorch's documentation.
"""

import json
import sys
import types

import torch

BUILTIN = (types.BuiltinFunctionType, types.BuiltinMethodType)


def builtin_names(namespace, prefix=""):
    """Names of the builtin operators of a namespace of torch._C, without dunder names."""
    names = []
    for name in dir(namespace):
        if name.startswith("__") or not name.startswith(prefix):
            continue
        if isinstance(getattr(namespace, name), BUILTIN):
            names.append(name)
    return sorted(names)


def dispatcher_names():
    """Base names of all operators in namespace aten."""
    return {name.split("::")[1].split(".")[0] for name in torch._C._dispatch_get_all_op_names() if name.startswith("aten::")}


def documented(namespace, names, strip=""):
    result = []
    for name in names:
        value = getattr(namespace, name[len(strip):] if strip and name.startswith(strip) else name, None)
        if value is not None and not name.startswith("_") and (getattr(value, "__doc__", None) or "").strip():
            result.append(name)
    return result


def main():
    aten = dispatcher_names()
    functions = builtin_names(torch._C._VariableFunctions)
    nn = builtin_names(torch._C._nn)
    linalg = builtin_names(torch._C._linalg)
    fft = builtin_names(torch._C._fft)
    special = builtin_names(torch._C._special)
    methods = sorted(
        name
        for name in dir(torch._C.TensorBase)
        if not name.startswith("__") and isinstance(getattr(torch._C.TensorBase, name), types.MethodDescriptorType)
    )
    python_methods = sorted(
        name
        for name in vars(torch.Tensor)
        if not name.startswith("_") and isinstance(vars(torch.Tensor)[name], types.FunctionType)
    )
    surface = {
        "torch": torch.__version__.split("+")[0],
        "functions": functions,
        "nn": nn,
        "linalg": linalg,
        "fft": fft,
        "special": special,
        "methods": methods,
        "pythonMethods": python_methods,
        "documented": {
            "functions": documented(torch, functions),
            "nn": documented(torch.nn.functional, nn),
            "linalg": documented(torch.linalg, linalg, "linalg_"),
            "fft": documented(torch.fft, fft, "fft_"),
            "special": documented(torch.special, special, "special_"),
            "methods": documented(torch.Tensor, methods),
        },
        "withoutOperator": sorted(set(functions + nn + linalg + fft + special + methods) - aten),
    }
    json.dump(surface, sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
