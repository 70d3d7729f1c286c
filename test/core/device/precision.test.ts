import { NotImplementedError } from "../../../lib/config/python-errors";
import { getGradScalerAndAutocastContext, getSupportedPrecision, isCompatible } from "../../../lib/core/device";
import { ones } from "../../../lib/torch";
import { GradScaler, NoopGradScaler } from "../../../lib/torch/amp";

describe("precision", () => {
  test("names", () => {
    expect(
      ["float32", "fp32", "bfloat16", "bf16", "float16", "fp16"].map((name) => getSupportedPrecision(name, "cpu")),
    ).toEqual(["float32", "float32", "bfloat16", "bfloat16", "float16", "float16"]);
    expect(() => getSupportedPrecision("int8", "cpu")).toThrow("unknown precision");
  });

  test.each([
    ["bf16", "bfloat16 not supported"],
    ["fp16", "float16 not supported"],
  ])("%s on a device without autocast is refused, without falling back", (name, message) => {
    expect(() => getSupportedPrecision(name, "meta")).toThrow(message);
    expect(getSupportedPrecision("fp32", "meta")).toBe("float32");
    expect([isCompatible("cpu", "bfloat16"), isCompatible("meta", "bfloat16")]).toEqual([true, false]);
  });

  test("a device with a number is one of its type", () => {
    expect(getSupportedPrecision("bf16", "cpu:0")).toBe("bfloat16");
    const { autocastContext } = getGradScalerAndAutocastContext("bfloat16", "cpu:0");
    expect(autocastContext(() => ones([2, 2]).matmul(ones([2, 2])).dtype)).toBe("bfloat16");
  });

  test("another type has no context", () =>
    expect(() => getGradScalerAndAutocastContext("int8" as never, "cpu")).toThrow(NotImplementedError));

  test.each([
    ["float32", "float32"],
    ["bfloat16", "bfloat16"],
    ["float16", "float16"],
  ] as const)("products under %s are of type %s", (dtype, expected) => {
    const { autocastContext } = getGradScalerAndAutocastContext(dtype, "cpu");
    expect(autocastContext(() => ones([2, 2]).matmul(ones([2, 2])).dtype)).toBe(expected);
    expect(ones([2, 2]).matmul(ones([2, 2])).dtype).toBe("float32");
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
