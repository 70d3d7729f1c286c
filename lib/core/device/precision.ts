import { autocast, type DType } from "../../torch";
import { AssertionError, NotImplementedError, RuntimeError } from "../../config/python-errors";
import { GradScaler, type GradScalerLike, NoopGradScaler } from "../../torch/amp/grad-scaler";

/** Names of precisions in configurations. */
export type PrecisionName = "float32" | "fp32" | "float16" | "fp16" | "bfloat16" | "bf16";

const DTYPES: Readonly<Record<PrecisionName, "float32" | "float16" | "bfloat16">> = {
  float32: "float32",
  fp32: "float32",
  float16: "float16",
  fp16: "float16",
  bfloat16: "bfloat16",
  bf16: "bfloat16",
};

/** Type of a device without its number: `cuda:1` -> `cuda`. */
export function deviceType(device: string): string {
  return device.split(":")[0] as string;
}

/** Whether forward passes can run in a 16-bit type on a device. */
export function isCompatible(device: string, dtype: DType): boolean {
  try {
    autocast({ deviceType: deviceType(device), dtype }, () => undefined);
    return true;
  } catch {
    return false;
  }
}

/**
 * The type that a precision stands for.
 *
 * @throws RuntimeError when the device does not support it; there is no silent fallback.
 */
export function getSupportedPrecision(name: string, device: string): "float32" | "float16" | "bfloat16" {
  if (!Object.hasOwn(DTYPES, name)) {
    throw new AssertionError(`unknown precision '${name}': expected one of ${Object.keys(DTYPES).join(", ")}`);
  }
  const dtype = DTYPES[name as PrecisionName];
  if (dtype !== "float32" && !isCompatible(device, dtype)) {
    throw new RuntimeError(`${dtype} not supported on device '${device}'; use precision: float32`);
  }
  return dtype;
}

/** Runs a function, synchronous or declared async, under some precision. */
export type AutocastContext = <T>(run: () => T) => T;

/**
 * The gradient scaler and the context of forward passes for a precision. Parameters stay float32.
 *
 * @throws NotImplementedError for another type
 */
export function getGradScalerAndAutocastContext(
  dtype: "float32" | "float16" | "bfloat16",
  device: string,
): { gradScaler: GradScalerLike; autocastContext: AutocastContext } {
  if (!Object.values(DTYPES).includes(dtype))
    throw new NotImplementedError(`expected float32, float16 or bfloat16 for forward passes, but got ${String(dtype)}`);
  const type = deviceType(device);
  return {
    gradScaler: dtype === "float16" && type !== "cpu" ? new GradScaler() : new NoopGradScaler(),
    autocastContext: dtype === "float32" ? (run) => run() : (run) => autocast({ deviceType: type, dtype }, run),
  };
}
