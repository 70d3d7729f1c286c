import { defineConfig, optional, str, validateConfig, type FieldType } from "../../config/schema";
import { register } from "../../config/registry";
import { fromTypedArray, Tensor } from "../../torch";
import { PreProcessor } from "./pre-processor";

const Config = defineConfig("NumpyToTorchTensorPreProcessorConfig", {
  extra: "forbid",
  fields: { kind: optional(str()) },
});

/** Numbers in rows, as `readNpy` and `readArrays` give them. */
interface ArrayLike {
  readonly values: ArrayBufferView;
  readonly shape: readonly number[];
}

/**
 * Makes a tensor of an array, with the array's type: of a typed array, or of `{ values, shape }` as the readers of NumPy's files give
 * it. The first of a chain, for getters that return what such a reader gave; the way back gives the tensor, on the CPU and without its
 * history (`data()` is its array).
 */
export class NumpyToTorchTensorPreProcessor extends PreProcessor {
  static readonly schema: FieldType = Config;

  constructor(config: { kind?: string | null }, normalizationKey: string) {
    super(normalizationKey);
    validateConfig(Config, config);
  }

  /** @throws TypeError for anything else than an array */
  override apply(x: Tensor | ArrayBufferView | ArrayLike): Tensor {
    if (ArrayBuffer.isView(x) && !(x instanceof DataView)) return fromTypedArray(x);
    if (isArrayLike(x)) return fromTypedArray(x.values, x.shape);
    const received = Array.isArray(x) ? "a list" : x instanceof Tensor ? "a tensor" : typeof x;
    throw new TypeError(`expected an array in the NumpyToTorchTensorPreProcessor of "${this.normalizationKey}", received ${received}`); // prettier-ignore
  }

  /** @throws TypeError for anything else than a tensor */
  override denormalize(x: Tensor): Tensor {
    if (x instanceof Tensor) return x.detach().to("cpu");
    throw new TypeError(
      `expected a tensor in the NumpyToTorchTensorPreProcessor of "${this.normalizationKey}", received ${typeof x}`,
    );
  }
}

register("noether.data.preprocessors.NumpyToTorchTensorPreProcessor", {
  class: NumpyToTorchTensorPreProcessor,
  aliases: ["noether.data.preprocessors.numpy_to_torch_tensor.NumpyToTorchTensorPreProcessor"],
});

function isArrayLike(x: unknown): x is ArrayLike {
  if (typeof x !== "object" || x === null || x instanceof Tensor) return false;
  const { values, shape } = x as Partial<ArrayLike>;
  return ArrayBuffer.isView(values) && Array.isArray(shape);
}
