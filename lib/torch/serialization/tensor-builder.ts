/** Makes `Tensor` objects of what a file says about them. */
import { native } from "../addon";
import { tensor as tensorOf } from "../creation";
import { dtypeCode, itemSize, type DType } from "../dtype";
import { TorchError } from "../errors";
import { Parameter } from "../nn/parameter";
import {
  _emptyAffineQuantized,
  _emptyPerChannelAffineQuantized,
  _negView,
  _validateSparseCompressedTensorArgs,
  _validateSparseCooTensorArgs,
  conj,
  emptyStrided,
  sparseCompressedTensor,
  sparseCooTensor,
} from "../operators.generated";
import { scope, wrap } from "../scope";
import type { Tensor } from "../tensor";
import { CheckpointError } from "./errors";
import type { TensorFactory } from "./pickle/materialize";
import type { Quantizer, StorageNode, Strided, TensorData, TensorNode, TypedStorageNode } from "./pickle/nodes";

/** Builds tensors over loaded storages; they belong to the open scope, as all tensors do. */
export class TensorBuilder implements TensorFactory {
  private readonly made: Tensor[] = [];

  constructor(
    /** Handles of the loaded bytes. */
    private readonly storages: ReadonlyMap<StorageNode, number>,
  ) {}

  tensor(node: TensorNode): Tensor {
    const { data, dtype, requiresGrad } = node;
    const tensor = scope(() => (data === null ? tensorOf([], { dtype }) : this.data(data)));
    this.made.push(tensor);
    if (node.isParameter) {
      const parameter = new Parameter(tensor, { requiresGrad });
      tensor.dispose();
      this.made.push(parameter);
      return parameter;
    }
    if (requiresGrad) tensor.requiresGrad = true;
    return tensor;
  }

  storage({ storage, dtype }: TypedStorageNode): Tensor {
    const type = dtype ?? "uint8";
    const length = Math.floor(storage.byteLength / itemSize(type));
    const tensor = this.strided({ storage, dtype: type, offset: 0, shape: [length], strides: [1] });
    this.made.push(tensor);
    return tensor;
  }

  /** Frees everything that was built: the load failed. */
  dispose(): void {
    for (const tensor of this.made) tensor.dispose();
  }

  private data(data: TensorData): Tensor {
    switch (data.kind) {
      case "dense": {
        const plain = this.strided(data);
        const conjugated = data.lazy.conj ? conj(plain) : plain;
        return data.lazy.neg ? _negView(conjugated) : conjugated;
      }
      case "quantized":
        return this.quantized(data, data.quantizer);
      case "sparse":
        return this.sparse(data);
      case "meta":
        return emptyStrided(data.shape, data.strides, { dtype: data.dtype, device: "meta" });
    }
  }

  private strided({ storage, dtype, offset, shape, strides }: Strided): Tensor {
    return wrap(native.archiveTensor(this.handleOf(storage), dtypeCode(dtype), offset, shape, strides));
  }

  private quantized({ storage, dtype, offset, shape, strides }: Strided, quantizer: Quantizer): Tensor {
    const tensor = this.emptyQuantized(quantizer, shape, dtype);
    native.archiveSetStorage(tensor.handle, this.handleOf(storage), offset, shape, strides);
    tensor.cachedInfo = null;
    return tensor;
  }

  /** Without elements: the memory will be a storage's. */
  private emptyQuantized(quantizer: Quantizer, shape: readonly number[], dtype: DType): Tensor {
    if (quantizer.scheme === "per_tensor_affine") {
      const { scale, zeroPoint } = quantizer;
      return _emptyAffineQuantized([0], { scale, zeroPoint, dtype });
    }
    const { axis } = quantizer;
    const isAffine = quantizer.scheme === "per_channel_affine";
    const scales = this.perChannel(quantizer.scales, isAffine ? "float64" : "float32");
    const zeroPoints = this.perChannel(quantizer.zeroPoints, isAffine ? "int64" : "float32");
    // the quantizer counts one size; with another one of 0 nothing is allocated
    const size = shape.length === 1 ? shape : shape.map((channels, d) => (d === axis ? channels : 0));
    return _emptyPerChannelAffineQuantized(size, { scales, zeroPoints, axis, dtype });
  }

  private perChannel(values: TensorNode | readonly number[], dtype: DType): Tensor {
    if (!("data" in values)) return tensorOf(values, { dtype });
    return this.data(values.data!);
  }

  /** PyTorch does not check what it loads; hostile indices would point anywhere. */
  private sparse({ layout, parts, shape, isCoalesced }: Extract<TensorData, { kind: "sparse" }>): Tensor {
    const [first, second, third] = parts.map(({ data }) => this.data(data!)) as [Tensor, Tensor, Tensor];
    try {
      if (layout === "sparse_coo") {
        _validateSparseCooTensorArgs(first, second, shape, isCoalesced);
        return sparseCooTensor(first, second, shape, { dtype: second.dtype, isCoalesced });
      }
      _validateSparseCompressedTensorArgs(first, second, third, shape, layout);
      return sparseCompressedTensor(first, second, third, shape, { dtype: third.dtype, layout });
    } catch (cause) {
      if (!(cause instanceof TorchError)) throw cause;
      throw new CheckpointError(
        `expected an intact file, got a sparse tensor of the shape [${shape.join(", ")}] that its indices and values do not fit`,
        { cause },
      );
    }
  }

  private handleOf(storage: StorageNode): number {
    const handle = this.storages.get(storage);
    if (handle === undefined) throw new Error(`internal: expected storage ${storage.key} to be loaded`);
    return handle;
  }
}
