/** What a file says about tensors: how Python rebuilds them, and the storages that their data lie in. */
import { native } from "../addon";
import { itemSize, type Layout } from "../dtype";
import { Parameter } from "../nn/parameter";
import * as operators from "../operators.generated";
import { ops } from "../overloads";
import type { Tensor } from "../tensor";
import { CheckpointError } from "./errors";
import { Global, PersistentId, Reduce } from "./pickle/reduce";
import { TENSOR_DTYPES, storageTypeOf } from "./pickle/storage-types";
import type { Describe } from "./pickle/writer";
import {
  Float,
  TorchDType,
  TorchLayout,
  TorchQScheme,
  attributesOf,
  tupleFrom,
  type QScheme,
  type Tuple,
} from "./python-values";

/** A storage to write: a record of the file. */
export interface StorageToWrite {
  /** Name of the record: `data/<key>`. */
  readonly key: string;
  readonly byteLength: number;
  /** A handle of our own on a tensor that lies in it. */
  readonly handle: number;
}

const TENSOR = new Global("torch", "Tensor");
const NO_HOOKS = new Reduce(new Global("collections", "OrderedDict"), []);

/** Layouts by the names that `archiveKind` has for them. */
const LAYOUTS: Readonly<Record<string, Layout>> = {
  Sparse: "sparse_coo",
  SparseCsr: "sparse_csr",
  SparseCsc: "sparse_csc",
  SparseBsr: "sparse_bsr",
  SparseBsc: "sparse_bsc",
};

/**
 * Collects the storages behind the tensors of a value; tensors that share memory share a storage. The storages are held
 * until `dispose`, so that asynchronous saving does not depend on the scope that the tensors belong to.
 */
export class StorageCollector implements Describe {
  readonly storages: StorageToWrite[] = [];
  private readonly known = new Map<string, StorageToWrite>();
  /** Tensors that were made for the file. */
  private readonly made: Tensor[] = [];

  /** How Python rebuilds `tensor`. */
  tensor(tensor: Tensor): Reduce {
    const attributes = attributesOf(tensor);
    if (!(tensor instanceof Parameter)) {
      const plain = this.plain(tensor, tensor.requiresGrad);
      if (attributes === undefined) return plain;
      const args = [plain.callee, TENSOR, tupleFrom(plain.args), attributes];
      return new Reduce(new Global("torch._tensor", "_rebuild_from_type_v2"), args);
    }
    const args = [this.plain(tensor, false), tensor.requiresGrad, NO_HOOKS];
    return attributes === undefined
      ? rebuild("_rebuild_parameter", args)
      : rebuild("_rebuild_parameter_with_state", [...args, attributes]);
  }

  /** The storage that `data` covers. */
  storage(data: Tensor): PersistentId {
    const isWhole =
      data.storageOffset() === 0 && data.numel() * itemSize(data.dtype) === native.storageBytes(data.handle);
    return this.storageOf(isWhole && data.isContiguous() ? data : this.own(data.clone()));
  }

  /** Lets go of the storages. */
  dispose(): void {
    native.freeMany(this.storages.map(({ handle }) => handle));
    for (const tensor of this.made) tensor.dispose();
  }

  private plain(tensor: Tensor, requiresGrad: boolean): Reduce {
    const kind = native.archiveKind(tensor.handle);
    if (Object.hasOwn(LAYOUTS, kind)) return this.sparse(tensor, LAYOUTS[kind]!);
    if (kind === "meta") {
      const args = [new TorchDType(tensor.dtype), tupleFrom(tensor.shape), tupleFrom(tensor.stride()), requiresGrad];
      return rebuild("_rebuild_meta_tensor_no_storage", args);
    }
    if (kind !== "dense" && kind !== "quantized")
      throw new CheckpointError(`expected a dense, quantized or sparse tensor, got a tensor of the kind ${kind}`);
    if (!TENSOR_DTYPES.has(tensor.dtype))
      throw new CheckpointError(`expected a tensor of a plain dtype, got ${tensor.dtype}`);
    const stored = this.withPlainData(tensor);
    const place = [this.storageOf(stored), stored.storageOffset(), tupleFrom(stored.shape), tupleFrom(stored.stride())];
    if (kind === "quantized")
      return rebuild("_rebuild_qtensor", [...place, this.quantizer(tensor), requiresGrad, NO_HOOKS]);
    return storageTypeOf(tensor.dtype) === undefined
      ? rebuild("_rebuild_tensor_v3", [...place, requiresGrad, NO_HOOKS, new TorchDType(tensor.dtype)])
      : rebuild("_rebuild_tensor_v2", [...place, requiresGrad, NO_HOOKS]);
  }

  private quantizer(tensor: Tensor): Tuple {
    const scheme = QSCHEMES[ops.call("aten::qscheme", tensor) as number];
    switch (scheme) {
      case "per_tensor_affine": {
        const scale = new Float(operators.qScale(tensor));
        return tupleFrom<unknown>([new TorchQScheme(scheme), scale, operators.qZeroPoint(tensor)]);
      }
      case "per_channel_affine":
      case "per_channel_affine_float_qparams": {
        const scales = this.own(operators.qPerChannelScales(tensor));
        const zeroPoints = this.own(operators.qPerChannelZeroPoints(tensor));
        return tupleFrom<unknown>([new TorchQScheme(scheme), scales, zeroPoints, operators.qPerChannelAxis(tensor)]);
      }
      default:
        throw new CheckpointError("expected a tensor that is quantized per tensor or per channel, got another scheme");
    }
  }

  private sparse(tensor: Tensor, layout: Layout): Reduce {
    const detached = this.own(tensor.detach());
    const shape = tupleFrom(tensor.shape);
    const parts = SPARSE_PARTS[layout]!.map((part) => this.own(part(detached)));
    const data: unknown[] = [...parts, shape, ...(layout === "sparse_coo" ? [operators.isCoalesced(tensor)] : [])];
    return rebuild("_rebuild_sparse_tensor", [new TorchLayout(layout), tupleFrom(data)]);
  }

  /** The memory of a lazily conjugated or negated view does not hold its values. */
  private withPlainData(tensor: Tensor): Tensor {
    if (!native.archiveIsLazy(tensor.handle)) return tensor;
    return this.own(operators.resolveNeg(this.own(operators.resolveConj(tensor))));
  }

  private storageOf(tensor: Tensor): PersistentId {
    const { dtype, handle } = tensor;
    const typeName = storageTypeOf(dtype);
    // PyTorch's typed storages have one dtype each: the same memory under two dtypes is written twice
    const identity = `${native.storageId(handle)} ${typeName === undefined ? "untyped" : dtype}`;
    const size = typeName === undefined ? 1 : itemSize(dtype);
    let storage = this.known.get(identity);
    if (storage === undefined) {
      const bytes = native.storageBytes(handle);
      storage = { key: String(this.storages.length), byteLength: bytes - (bytes % size), handle: native.alias(handle) };
      this.known.set(identity, storage);
      this.storages.push(storage);
    }
    const type = typeName === undefined ? new Global("torch.storage", "UntypedStorage") : new Global("torch", typeName);
    return new PersistentId(["storage", type, storage.key, tensor.device, storage.byteLength / size]);
  }

  private own(tensor: Tensor): Tensor {
    this.made.push(tensor);
    return tensor;
  }
}

/** By c10's codes. */
const QSCHEMES: readonly QScheme[] = [
  "per_tensor_affine",
  "per_channel_affine",
  "per_tensor_symmetric",
  "per_channel_symmetric",
  "per_channel_affine_float_qparams",
];

type Part = (tensor: Tensor) => Tensor;

/** Indices and values of a sparse tensor, in the order of the file. */
const SPARSE_PARTS: Readonly<Partial<Record<Layout, readonly Part[]>>> = {
  sparse_coo: [operators._indices, operators._values],
  sparse_csr: [operators.crowIndices, operators.colIndices, operators.values],
  sparse_bsr: [operators.crowIndices, operators.colIndices, operators.values],
  sparse_csc: [operators.ccolIndices, operators.rowIndices, operators.values],
  sparse_bsc: [operators.ccolIndices, operators.rowIndices, operators.values],
};

function rebuild(name: string, args: readonly unknown[]): Reduce {
  return new Reduce(new Global("torch._utils", name), args);
}
