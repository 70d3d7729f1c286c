/**
 * The allow-list: every global name that a pickle may mention, and what calling it makes. Nothing else is ever looked up,
 * and what is made here is data. It is the list of PyTorch's `weights_only` loader, plus numpy scalars.
 */
import { dtypes, opaqueDTypes, type Layout } from "../../dtype";
import { damaged, printable, unsupported } from "../errors";
import { TorchDType, TorchLayout, TorchQScheme, Tuple, type QScheme } from "../python-values";
import { CONTAINERS } from "./container-globals";
import { DictNode, GlobalNode, NumpyDTypeNode, StorageTypeNode, TensorNode, TensorTypeNode } from "./nodes";
import { NUMPY } from "./numpy-globals";
import { STORAGE_TYPES, TENSOR_TYPES } from "./storage-types";
import { TENSORS, rebuildFromType, setTensorState } from "./tensor-globals";

/** Old names and Python 2 names of what is on the list. */
const MODULES: Readonly<Record<string, string>> = {
  __builtin__: "builtins",
  "numpy._core.multiarray": "numpy.core.multiarray",
};

const LAYOUTS: Readonly<Record<string, Layout>> = {
  "torch.strided": "strided",
  "torch.sparse_coo": "sparse_coo",
  "torch.sparse_csr": "sparse_csr",
  "torch.sparse_csc": "sparse_csc",
  "torch.sparse_bsr": "sparse_bsr",
  "torch.sparse_bsc": "sparse_bsc",
  "torch.jagged": "jagged",
  "torch._mkldnn": "mkldnn",
};

const QSCHEMES: readonly QScheme[] = [
  "per_tensor_affine",
  "per_tensor_symmetric",
  "per_channel_affine",
  "per_channel_symmetric",
  "per_channel_affine_float_qparams",
];

/** What a name on the list stands for when it is used as a value; anything that is only called is a {@link GlobalNode}. */
const VALUES: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  // tensors of old versions on a GPU lay in classes of their own
  ...["torch", "torch.cuda"].flatMap((module) => [
    ...Object.entries(STORAGE_TYPES).map(([name, dtype]) => [`${module}.${name}`, new StorageTypeNode(dtype)] as const),
    ...Object.entries(TENSOR_TYPES).map(([name, dtype]) => [`${module}.${name}`, new TensorTypeNode(dtype)] as const),
  ]),
  ["torch.storage.UntypedStorage", new StorageTypeNode(null)],
  ...[...dtypes, ...opaqueDTypes].map((dtype) => [`torch.${dtype}`, new TorchDType(dtype)] as const),
  ...QSCHEMES.map((name) => [`torch.${name}`, new TorchQScheme(name)] as const),
  ["torch.Tensor", new GlobalNode("torch.Tensor")],
]);

type Constructor = (args: Tuple) => unknown;

/** What calling a name on the list makes. */
const CONSTRUCTORS: ReadonlyMap<string, Constructor> = new Map<string, Constructor>([
  ...CONTAINERS,
  ...TENSORS,
  ...NUMPY,
  ["torch.serialization._get_layout", getLayout],
  // it calls another name of the list
  ["torch._tensor._rebuild_from_type_v2", (args) => rebuildFromType(args, callGlobal)],
]);

const NODES = new Map([...CONSTRUCTORS.keys()].map((name) => [name, new GlobalNode(name)]));

/**
 * The object of a global name.
 *
 * @throws CheckpointError naming the global, for every name that is not on the list.
 */
export function lookUpGlobal(module: string, name: string): unknown {
  const path = `${Object.hasOwn(MODULES, module) ? MODULES[module] : module}.${name}`;
  const found = VALUES.get(path) ?? NODES.get(path);
  if (found === undefined) throw unsupported(`the global ${printable(path)}`, advice(path));
  return found;
}

/** Calls a global. */
export function callGlobal(callee: unknown, args: unknown): unknown {
  if (!(args instanceof Tuple)) throw damaged("a call without a tuple of arguments");
  if (callee instanceof TensorTypeNode && args.length === 0) return new TensorNode(null, false, false, callee.dtype);
  const make = callee instanceof GlobalNode ? CONSTRUCTORS.get(callee.name) : undefined;
  if (make === undefined) throw damaged("a call of something that is not a function");
  return make(args);
}

/** The state that Python's `__setstate__` would get. */
export function buildGlobal(target: unknown, state: unknown): void {
  if (target instanceof DictNode && target.kind === "OrderedDict" && state instanceof DictNode) {
    target.attributes = state;
  } else if (target instanceof TensorNode && state instanceof Tuple) {
    setTensorState(target, state);
  } else if (target instanceof NumpyDTypeNode && state instanceof Tuple) {
    if (typeof state[1] === "string") target.byteOrder = state[1];
  } else {
    throw damaged("a state for an object that takes none");
  }
}

function getLayout(args: Tuple): TorchLayout {
  const [name] = args;
  if (typeof name !== "string" || !Object.hasOwn(LAYOUTS, name)) throw damaged("a layout without a known name");
  return new TorchLayout(LAYOUTS[name]!);
}

function advice(path: string): string {
  if (path.startsWith("torch._utils._rebuild_nested") || path.includes("nested_tensor"))
    return "nested tensors cannot be loaded; save their parts as a list";
  if (path.startsWith("torch._utils._rebuild_wrapper_subclass") || path.includes("DTensor"))
    return "tensors of this class cannot be loaded; save them as plain tensors (full_tensor(), dequantize(), …)";
  if (path.startsWith("numpy.")) return "save arrays as tensors (torch.from_numpy)";
  if (path.startsWith("torch.") && path.endsWith("Storage")) return "storages of this kind cannot be loaded";
  if (path.startsWith("torch.nn.parameter.Uninitialized"))
    return "run the model once before its state_dict() is saved, so that its lazy parameters have a shape";
  if (/^(torch\.nn|__main__|torchvision|transformers|noether)\b/.test(path)) {
    return "it is an object of a Python class; save model.state_dict() instead of the model";
  }
  return "nothing of that kind is loaded, since it could run code; save dicts, lists, strings, numbers and tensors";
}
