import { getGradScalerAndAutocastContext, getSupportedPrecision } from "../../../lib/core/device";
import { GradScaler, NoopGradScaler } from "../../../lib/torch/amp";

describe("precision", () => {
  test("names", () => {
    expect(
      ["float32", "fp32", "bfloat16", "bf16", "float16", "fp16"].map((name) => getSupportedPrecision(name, "cpu")),
    ).toEqual(["float32", "float32", "bfloat16", "bfloat16", "float16", "float16"]);
    expect(() => getSupportedPrecision("int8", "cpu")).toThrow("unknown precision");
  });

  test.each([
    ["float32", "cpu", NoopGradScaler],
    ["bfloat16", "cpu", NoopGradScaler],
    ["float16", "cpu", NoopGradScaler],
    ["float16", "cuda", GradScaler],
  ] as const)("%s on %s", (dtype, device, type) =>
    expect(getGradScalerAndAutocastContext(dtype, device).gradScaler).toBeInstanceOf(type),
  );
});
