"""Records PyTorch's own operator samples (OpInfo) as calls with their results, for `replay.ts`.

usage: record.py OUT [--part K/N] [--small]

One pair of files an operator: `NNN_name.json` (the calls) and `NNN_name.bin` (the bytes of the tensors). Every call of a `torch` function that a
sample makes is recorded with its arguments and its result, then the gradients of a weighted sum of the outputs. Calls that PyTorch refuses are
recorded as such. `--small` keeps a few samples of few bytes an operator: what `pack.ts` packs for machines without PyTorch.
"""

import argparse
import inspect
import itertools
import json
import os
import random
import signal
import sys
import warnings

warnings.filterwarnings("ignore")
import numpy as np
import torch
from torch.overrides import TorchFunctionMode, resolve_name
from torch.testing._internal.common_methods_invocations import op_db

parser = argparse.ArgumentParser()
parser.add_argument("out")
parser.add_argument("--part", default="0/1")
parser.add_argument("--small", action="store_true")
options = parser.parse_args()
torch.set_num_threads(1)

DTYPES = [torch.float32, torch.float64, torch.complex64, torch.int64, torch.bool, torch.bfloat16, torch.uint8]
MOST_BYTES = 700 if options.small else 2_000_000  # of one tensor
LARGER = 20_000  # the same where --small finds nothing with fewer, of few dtypes
SAMPLES = 20 if not options.small else 60  # of one dtype, before the choice of the smallest
KEPT = 2  # of one kind and dtype, with --small
SECONDS = 25  # for one operator and dtype


class Skipped(Exception):
    """What cannot be written down: sparse tensors, subclasses, callables, …"""


class Timeout(Exception):
    pass


def on_alarm(*_):
    raise Timeout()


signal.signal(signal.SIGALRM, on_alarm)

NAMES = {}
for prefix, module in [
    ("nn.functional.", torch.nn.functional),
    ("linalg.", torch.linalg),
    ("fft.", torch.fft),
    ("special.", torch.special),
    ("", torch),
    ("Tensor.", torch.Tensor),
]:
    for attribute in dir(module):
        try:
            value = getattr(module, attribute)
            if callable(value) and not isinstance(value, type) and attribute not in ("dsmm", "hsmm", "spmm", "saddmm", "_threshold"):
                NAMES.setdefault(value, prefix + attribute)
        except Exception:
            continue


def name_of(function):
    if isinstance(function, torch._ops.OpOverload):
        return "ops." + function._name
    if isinstance(function, torch._ops.OpOverloadPacket):
        return function._qualified_op_name.split("::")[1]
    try:
        if function in NAMES:
            return NAMES[function]
    except TypeError:
        pass
    name = resolve_name(function) or f"{getattr(function, '__module__', '?')}.{getattr(function, '__qualname__', '?')}"
    for of, to in [("torch._C._nn.", "nn.functional."), ("torch._C.TensorBase.", "Tensor."), ("torch.Tensor.", "Tensor.")]:
        name = name.replace(of, to)
    return name.removeprefix("torch.").replace("functional._threshold", "functional.threshold")


def without_defaults(function, args, kwargs):
    """A Python function hands all its arguments on: those that have their default are left out, as its caller did. With the names by position."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return args, kwargs, None
    if any(p.kind == p.VAR_POSITIONAL for p in parameters):
        return args, kwargs, None
    default = {p.name: p.default for p in parameters}
    same = lambda name, value: not isinstance(value, torch.Tensor) and type(value) is type(default.get(name)) and value == default[name]
    names = [p.name for p in parameters if p.kind != p.KEYWORD_ONLY]
    args = list(args)
    while args and len(args) <= len(names) and same(names[len(args) - 1], args[-1]):
        args.pop()
    kwargs = {k: v for k, v in kwargs.items() if k != "_stacklevel" and not same(k, v)}
    return args, kwargs, names


class Writer:
    def __init__(self):
        self.parts, self.at = [], 0

    def put(self, data):
        at = self.at
        padded = data + b"\0" * (-len(data) % 16)
        self.parts.append(padded)
        self.at += len(padded)
        return {"at": at, "bytes": len(data)}

    def check(self, tensor):
        if tensor.layout != torch.strided:
            raise Skipped(f"layout {tensor.layout}")
        if tensor.is_quantized:
            raise Skipped("quantized")
        if type(tensor) not in (torch.Tensor, torch.nn.Parameter):
            raise Skipped("subclass")
        if tensor.device.type != "cpu":
            raise Skipped(f"device {tensor.device.type}")

    def result(self, tensor):
        """dtype, shape and the elements in row-major order."""
        self.check(tensor)
        values = tensor.detach().resolve_conj().resolve_neg().contiguous()
        if values.numel() * values.element_size() > MOST_BYTES:
            raise Skipped("too large")
        # numpy knows no bfloat16 and no complex32: their bits
        bits = {torch.bfloat16: torch.int16, torch.complex32: torch.int32}.get(values.dtype)
        raw = (values.view(bits) if bits else values).numpy().tobytes()
        return {"dtype": str(values.dtype)[6:], "shape": list(values.shape), **self.put(raw)}


class Trace(TorchFunctionMode):
    """Writes down every call inside, with what its arguments were when it was made."""

    def __init__(self, writer):
        super().__init__()
        self.writer, self.calls, self.tensors, self.storages = writer, [], [], []
        self.references, self.keep, self.leaves, self.skipped = {}, [], [], None
        self.storage_of = {}

    def tensor(self, value):
        if id(value) in self.references:
            return {"tensor": self.references[id(value)]}
        self.writer.check(value)
        if value.is_conj() or value.is_neg():
            raise Skipped("a lazy conjugate as argument")
        storage = value.untyped_storage()
        if storage.nbytes() > MOST_BYTES:
            raise Skipped("too large")
        key = (storage.data_ptr() or id(storage), storage.nbytes())  # memory of a storage that was resized may be another's by now
        if key not in self.storage_of:
            raw = torch.empty(0, dtype=torch.uint8).set_(storage, 0, (storage.nbytes(),)).numpy().tobytes() if storage.nbytes() else b""
            self.storage_of[key] = len(self.storages)
            self.storages.append({**self.writer.put(raw), "dtype": str(value.dtype)[6:]})
        reference = self.references[id(value)] = len(self.references)
        self.keep.append(value)
        self.tensors.append({
            "reference": reference, "storage": self.storage_of[key], "dtype": str(value.dtype)[6:], "shape": list(value.shape),
            "strides": list(value.stride()), "offset": value.storage_offset(), "gradient": bool(value.requires_grad),
        })
        if value.requires_grad:
            self.leaves.append((reference, value))
        return {"tensor": reference}

    def value(self, value):
        if isinstance(value, torch.Tensor):
            return self.tensor(value)
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, (bool, np.bool_)):
            return bool(value)
        if isinstance(value, (int, np.integer, torch.SymInt)):
            return {"int": str(int(value))}
        if isinstance(value, (float, np.floating)):
            return {"float": repr(float(value))}
        if isinstance(value, (complex, np.complexfloating)):
            return {"complex": [repr(float(value.real)), repr(float(value.imag))]}
        if isinstance(value, (torch.dtype, torch.layout, torch.memory_format)):
            return str(value)[6:]
        if isinstance(value, torch.device):
            return str(value)
        if value in (float, int, bool, complex) and isinstance(value, type):
            return {float: "float64", int: "int64", bool: "bool", complex: "complex128"}[value]
        if value is Ellipsis:
            return {"ellipsis": True}
        if isinstance(value, slice):
            return {"slice": [self.value(value.start), self.value(value.stop), self.value(value.step)]}
        if isinstance(value, tuple):
            return {"tuple": [self.value(x) for x in value]}
        if isinstance(value, (list, range)):
            return {"list": [self.value(x) for x in value]}
        raise Skipped(f"a value of type {type(value).__name__}")

    def output(self, value):
        if isinstance(value, torch.Tensor):
            written = self.writer.result(value)
            if id(value) not in self.references:
                self.references[id(value)] = len(self.references)
                self.keep.append(value)
            return {**written, "reference": self.references[id(value)]}
        if isinstance(value, dict):
            return {"list": [self.output(x) for x in value.values()]}
        if isinstance(value, (list, tuple)):
            return {"list": [self.output(x) for x in value]}
        return {"value": self.value(value)}

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if self.skipped:
            return function(*args, **kwargs)
        name = name_of(function)
        if name.startswith("sym_"):  # of symbolic shapes: numbers here
            return function(*args, **kwargs)
        if name.endswith("__get__") and name.split(".")[1] not in ("T", "mT", "H", "mH", "real", "imag"):
            return function(*args, **kwargs)
        try:
            given, named, parameters = without_defaults(function, args, kwargs)
            call = {"name": name, "args": [self.value(x) for x in given], "kwargs": {k: self.value(v) for k, v in named.items()}}
            if parameters:
                call["parameters"] = parameters
        except Skipped as reason:
            self.skipped = f"{name}: {reason}"
            return function(*args, **kwargs)
        self.calls.append(call)
        result = function(*args, **kwargs)
        self.keep.append(result)
        try:
            call["result"] = self.output(result)
        except Skipped as reason:
            self.skipped = f"{name}: the result has {reason}"
        return result


def tensors_in(value):
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [t for x in value for t in tensors_in(x)] if isinstance(value, (list, tuple)) else []


def weights(tensor):
    return (torch.arange(tensor.numel(), dtype=torch.float64) * 0.7 + 0.3).sin().reshape(tensor.shape)


def gradients(trace, outputs, writer):
    roots = [t for t in outputs if t.requires_grad and (t.is_floating_point() or t.is_complex()) and t.layout == torch.strided]
    if not roots or not trace.leaves:
        return None
    loss = sum(((t.abs() if t.is_complex() else t) * weights(t)).sum() for t in roots)
    grads = torch.autograd.grad(loss, [t for _, t in trace.leaves], allow_unused=True)
    return {
        "of": [trace.references[id(t)] for t in roots],
        "to": [reference for reference, _ in trace.leaves],
        "values": [None if g is None else writer.result(g) for g in grads],
    }


def run(function, sample, kind, with_gradients):
    """One sample as {kind, calls, tensors, storages, …}, with its own bytes."""
    writer = Writer()
    trace = Trace(writer)
    torch.manual_seed(42)  # the seed that OpInfo sets for random operators
    error = outputs = None
    try:
        with trace:
            outputs = tensors_in(function(sample.input, *sample.args, **sample.kwargs))
    except Timeout:
        raise
    except Exception as thrown:
        error = f"{type(thrown).__name__}: {str(thrown)[:160]}"
    if trace.skipped:
        return {"kind": kind, "skipped": trace.skipped}, b""
    if not trace.calls:
        return {"kind": kind, "skipped": "no call of a torch function"}, b""
    if error and "result" in trace.calls[-1]:
        return {"kind": kind, "skipped": "refused by Python code outside of torch functions"}, b""
    record = {"kind": kind, "calls": trace.calls, "tensors": trace.tensors, "storages": trace.storages}
    if error:
        record["error"] = error
    elif with_gradients and all(id(t) in trace.references for t in outputs):
        try:
            found = gradients(trace, outputs, writer)
            if found:
                record["gradients"] = found
        except (Skipped, RuntimeError, NotImplementedError):
            pass
    return record, b"".join(writer.parts)


def take(iterable, count):
    found = list(itertools.islice(iterable, 400))
    return found if len(found) <= count else [found[int(i * len(found) / count)] for i in range(count)]


def seed():
    torch.manual_seed(7)
    np.random.seed(7)
    random.seed(7)


def samples_of(op, dtype, with_gradients, larger):
    """(function, sample, kind) of one operator and dtype."""
    seed()
    size = {"small_inputs_only": True} if larger else {}  # 5 x 5 instead of 20 x 20 for functions of one number
    samples = take(op.sample_inputs("cpu", dtype, requires_grad=with_gradients, **size), SAMPLES)
    for index, sample in enumerate(samples):
        yield op.op, sample, "function"
        if dtype == torch.float32 and index < 8:
            detached = sample.transform(lambda t: t.detach() if isinstance(t, torch.Tensor) else t)
            if op.method_variant is not None:
                yield op.method_variant, detached, "method"
            if op.inplace_variant is not None and not sample.broadcasts_input and isinstance(sample.input, torch.Tensor):
                copy = detached.transform(lambda t: t)
                copy.input = detached.input.clone()
                yield op.inplace_variant, copy, "inplace"
    if dtype in (torch.float32, torch.float64, torch.int64, torch.bool) and not options.small:
        for sample in take(op.reference_inputs("cpu", dtype, requires_grad=False), 14):
            yield op.op, sample, "reference"
    if dtype == torch.float64 and not options.small:
        for sample in samples[:6]:
            yield op.op, sample.noncontiguous(), "strided"


def collect(op, larger=False):
    """All samples of an operator with their bytes, and what did not run."""
    found, notes = [], []
    supported = op.supported_dtypes("cpu")
    backward = op.supported_backward_dtypes("cpu") if op.supports_autograd else set()

    def add(function, sample, kind, dtype, with_gradients):
        try:
            entry, data = run(function, sample, kind, with_gradients)
        except Skipped as reason:
            entry, data = {"kind": kind, "skipped": str(reason)}, b""
        entry["dtype"] = dtype
        entry["out"] = bool(op.supports_out) and kind == "function" and dtype == "float32"
        found.append((entry, data))

    for dtype in DTYPES if not larger else DTYPES[:4]:
        if dtype not in supported:
            continue
        with_gradients = op.supports_autograd and dtype in backward and dtype == torch.float64
        signal.alarm(SECONDS)
        try:
            for function, sample, kind in samples_of(op, dtype, with_gradients, larger):
                add(function, sample, kind, str(dtype)[6:], with_gradients)
        except Timeout:
            notes.append(f"{dtype}: out of time")
        except Exception as error:
            notes.append(f"{dtype}: {type(error).__name__} {str(error)[:120]}")
        finally:
            signal.alarm(0)
    if op.error_inputs_func is not None:
        signal.alarm(SECONDS)
        try:
            seed()
            for wrong in itertools.islice(op.error_inputs("cpu"), 40):
                add(op.op, wrong.sample_input, "error", "-", False)
        except Timeout:
            notes.append("errors: out of time")
        except Exception as error:
            notes.append(f"errors: {type(error).__name__} {str(error)[:120]}")
        finally:
            signal.alarm(0)
    return found, notes


def record(op, index):
    global MOST_BYTES
    found, notes = collect(op)
    if options.small:
        found = smallest(found)
        if not found:
            usual, MOST_BYTES = MOST_BYTES, LARGER
            found, notes = collect(op, larger=True)
            found = smallest(found, kept=1)
            MOST_BYTES = usual
    full = op.name + ("." + op.variant_test_name if op.variant_test_name else "")
    base = os.path.join(options.out, f"{index:03d}_{full.replace('/', '_')}")
    at = 0
    with open(base + ".bin", "wb") as file:
        for entry, data in found:
            entry["at"] = at
            file.write(data)
            at += len(data)
    with open(base + ".json.part", "w") as file:
        json.dump({"operator": full, "notes": notes, "samples": [entry for entry, _ in found]}, file, separators=(",", ":"))
    os.rename(base + ".json.part", base + ".json")
    print(index, full, len(found), notes or "", flush=True)


def smallest(found, kept=KEPT):
    """The samples with the fewest bytes that are not empty, some of each kind and dtype; with --small."""
    groups = {}
    for entry, data in found:
        if "skipped" not in entry and len(data) <= 4 * MOST_BYTES:
            groups.setdefault((entry["kind"], entry["dtype"]), []).append((entry, data))
    chosen = []
    for (kind, _), entries in groups.items():
        entries.sort(key=lambda e: (len(e[1]) < 16 and kind != "error", len(e[1]) + len(json.dumps(e[0])) / 8))
        chosen += entries[:kept]
    return chosen


if __name__ == "__main__":
    os.makedirs(options.out, exist_ok=True)
    part, parts = map(int, options.part.split("/"))
    for index, op in enumerate(op_db):
        if index % parts == part:
            record(op, index)
    sys.exit(0)
