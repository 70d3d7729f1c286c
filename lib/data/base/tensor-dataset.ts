import type { Tensor } from "../../torch";
import { ValueError } from "../../config/python-errors";
import { describeSource } from "./dataset-source";

/**
 * Tensors whose first dimension counts the samples, PyTorch's `TensorDataset`: sample i is the list of their rows i. The tensors
 * are not copied; they have to live as long as the data set.
 *
 * @throws ValueError for no tensors, and for tensors of different length
 */
export class TensorDataset {
  readonly tensors: readonly Tensor[];

  constructor(...tensors: readonly Tensor[]) {
    const [first] = tensors;
    if (first === undefined || tensors.some((tensor) => tensor.ndim === 0 || tensor.size(0) !== first.size(0))) {
      const shapes = tensors.map((tensor) => `(${tensor.shape.join(", ")})`).join(" and ");
      throw new ValueError(
        `TensorDataset: expected tensors of one length in the first dimension, received ${shapes || "none"}`,
      );
    }
    this.tensors = tensors;
  }

  /** Number of samples. */
  get length(): number {
    return this.tensors[0]!.size(0);
  }

  /** Row `index` of each tensor, as views. */
  get(index: number): Tensor[] {
    return this.tensors.map((tensor) => tensor.select(0, index));
  }
}

describeSource(TensorDataset, ({ tensors }, { share }) => ({ from: "tensors", tensors: tensors.map(share) }));
