/** Between `Tensor` objects and what a file says about them: the only place here that touches tensors. */
import { native } from "../addon";
import { dtypeCode, itemSize, type Device } from "../dtype";
import { Parameter } from "../nn/parameter";
import { _negView, conj, resolveConj, resolveNeg } from "../operators.generated";
import { wrap } from "../scope";
import { Tensor } from "../tensor";
import { CheckpointError } from "./errors";
import { TENSOR_DTYPES } from "./pickle/globals";
import type { TensorFactory } from "./pickle/materialize";
import type { ParameterNode, StorageNode, TensorNode } from "./pickle/nodes";
import { hasTypedStorage, type StorageReference, type TensorParts } from "./pickle/writer";

/** A storage to write: `handle` is a handle of our own on a tensor that lies in it. */
export interface StorageToWrite extends StorageReference {
  readonly handle: number;
}

/**
 * Collects the storages behind the tensors of a value; tensors that share memory share a storage. The storages are held
 * until `dispose`, so that asynchronous saving does not depend on the scope that the tensors belong to.
 */
export class StorageCollector {
  readonly storages: StorageToWrite[] = [];
  private readonly known = new Map<string, StorageToWrite>();
  private readonly resolved: Tensor[] = [];

  /** Where the data of `tensor` lies. */
  describe(tensor: Tensor): TensorParts {
    const { dtype } = tensor;
    if (!TENSOR_DTYPES.has(dtype)) throw new CheckpointError(`expected a tensor of a plain dtype, got ${dtype}`);
    const stored = this.withPlainData(tensor);
    return {
      dtype,
      storage: this.storageOf(stored),
      offset: stored.storageOffset(),
      shape: stored.shape,
      strides: stored.stride(),
      requiresGrad: tensor.requiresGrad,
    };
  }

  /** Lets go of the storages. */
  dispose(): void {
    native.freeMany(this.storages.map(({ handle }) => handle));
    for (const tensor of this.resolved) tensor.dispose();
  }

  /** The memory of a lazily conjugated or negated view does not hold its values. */
  private withPlainData(tensor: Tensor): Tensor {
    if (!native.archiveIsLazy(tensor.handle)) return tensor;
    const conjugated = resolveConj(tensor);
    const plain = resolveNeg(conjugated);
    this.resolved.push(conjugated, plain);
    return plain;
  }

  private storageOf(tensor: Tensor): StorageToWrite {
    const { dtype, handle } = tensor;
    // PyTorch's typed storages have one dtype each: the same memory under two dtypes is written twice
    const identity = `${native.storageId(handle)} ${hasTypedStorage(dtype) ? dtype : "untyped"}`;
    const known = this.known.get(identity);
    if (known !== undefined) return known;
    const bytes = native.storageBytes(handle);
    const storage = {
      key: String(this.storages.length),
      byteLength: hasTypedStorage(dtype) ? bytes - (bytes % itemSize(dtype)) : bytes,
      location: tensor.device,
      handle: native.alias(handle),
    };
    this.known.set(identity, storage);
    this.storages.push(storage);
    return storage;
  }
}

/** Builds tensors over loaded storages; they belong to the open scope, as all tensors do. */
export class TensorBuilder implements TensorFactory {
  private readonly made: Tensor[] = [];

  constructor(
    /** Handle of the loaded bytes. */
    private readonly storages: ReadonlyMap<StorageNode, number>,
  ) {}

  tensor(node: TensorNode): Tensor {
    const { storage, dtype, offset, shape, strides, lazy, requiresGrad } = node;
    const handle = this.storages.get(storage);
    if (handle === undefined) throw new Error(`internal: expected storage ${storage.key} to be loaded`);
    let tensor = this.own(wrap(native.archiveTensor(handle, dtypeCode(dtype), offset, shape, strides)));
    if (lazy.conj) tensor = this.own(conj(tensor));
    if (lazy.neg) tensor = this.own(_negView(tensor));
    if (requiresGrad) tensor.requiresGrad = true;
    return tensor;
  }

  parameter({ data, requiresGrad }: ParameterNode): Parameter {
    const tensor = this.tensor(data);
    const parameter = this.own(new Parameter(tensor, { requiresGrad }));
    tensor.dispose();
    return parameter;
  }

  /** Frees everything that was built: the load failed. */
  dispose(): void {
    for (const tensor of this.made) tensor.dispose();
  }

  private own<T extends Tensor>(tensor: T): T {
    this.made.push(tensor);
    return tensor;
  }
}

/** The storage on another device, as a handle of its own; frees the given one. */
export function moveStorage(handle: number, device: Device): number {
  const bytes = new Tensor(handle);
  try {
    const moved = bytes.to({ device });
    const result = native.alias(moved.handle);
    if (moved !== bytes) moved.dispose();
    return result;
  } finally {
    bytes.dispose();
  }
}

/** Handles of our own on tensors, for work that outlasts the scope that they belong to. Whoever asks disposes them. */
export function holdTensors(tensors: readonly Tensor[]): Tensor[] {
  return tensors.map((tensor) => new Tensor(native.alias(tensor.handle)));
}
