import { Dataset, NumpyToTorchTensorPreProcessor } from "../../../lib/data";
import { DatasetBaseConfig } from "../../../lib/data/base/dataset-config";
import { keep, type Tensor, tensor } from "../../../lib/torch";
import { values } from "../support";

const make = () => new NumpyToTorchTensorPreProcessor({}, "x");

describe("NumpyToTorchTensorPreProcessor", () => {
  test.each([
    [Float32Array.of(1, 2), "float32"],
    [Float64Array.of(1, 2), "float64"],
    [Int32Array.of(1, 2), "int32"],
    [BigInt64Array.of(1n, 2n), "int64"],
    [Uint8Array.of(1, 2), "uint8"],
  ])("%p keeps its type", (array, dtype) => {
    const x = make().apply(array);
    expect([x.dtype, x.shape]).toEqual([dtype, [2]]);
    expect(Number(x.sum().item())).toBe(3);
  });
  test("arrays of readers, with their shape", () => {
    expect(values(make().apply({ values: Float32Array.of(1, 2, 3, 4), shape: [2, 2] }))).toEqual([[1, 2], [3, 4]]); // prettier-ignore
  });
  test.each([[[1, 2]], [5], ["x"], [null]])("%j is no array", (value) => {
    expect(() => make().apply(value as never)).toThrow(TypeError);
  });
  test("a tensor is none, and only a tensor has a way back", () => {
    expect(() => make().apply(tensor([1]))).toThrow("received a tensor");
    expect(() => make().denormalize([1] as never)).toThrow(TypeError);
    const x = tensor([1, 2]).requiresGrad_();
    expect([make().denormalize(x.mul(2)).requiresGrad, values(make().denormalize(x.mul(2)))]).toEqual([false, [2, 4]]);
  });
  test("in the config of a data set, before a normalizer", async () => {
    class Arrays extends Dataset {
      constructor() {
        const kind = "noether.data.preprocessors";
        const chain = [
          { kind: `${kind}.NumpyToTorchTensorPreProcessor` },
          { kind: `${kind}.normalizers.MeanStdNormalization`, mean: [1], std: [2] },
        ];
        super(DatasetBaseConfig.create({ kind: "test", dataset_normalizers: { x: chain } }));
        this.addGetter("x", () => Float32Array.of(3, 5) as unknown as Tensor, { normalize: true });
      }
      override get length(): number {
        return 1;
      }
    }
    const sample = await new Arrays().get(0);
    expect(values(sample["x"])).toEqual([1, 2]);
    keep(sample["x"] as Tensor).dispose();
  });
});
