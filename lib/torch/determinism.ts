/** Results that are the same each time, and the precision of float32 products. Both hold for the whole process. */
import { native } from "./addon";
import { checkArgument, checkOptions, flag, type KindsOf, oneOf, refuseSurplus } from "./arguments";
import { guard } from "./errors";

/** Options of {@link useDeterministicAlgorithms}. */
export interface DeterminismOptions {
  /** Operators that have no such algorithm warn instead of throwing (default false). */
  readonly warnOnly?: boolean;
}

const OPTIONS = { warnOnly: flag } satisfies KindsOf<DeterminismOptions>;

/**
 * Takes algorithms that give the same result each time; an operator that has none throws. On CUDA, products then want
 * `CUBLAS_WORKSPACE_CONFIG=:4096:8` in the environment before the first of them.
 */
export function useDeterministicAlgorithms(mode: boolean, options: DeterminismOptions = {}, ...surplus: never[]): void {
  checkArgument("useDeterministicAlgorithms", "mode", mode, flag);
  checkOptions("useDeterministicAlgorithms", options, OPTIONS, surplus);
  const on = options.warnOnly === true ? "warn" : "error";
  guard("useDeterministicAlgorithms", () => native.setDeterministicAlgorithms(mode ? on : "off"));
}

/** True after {@link useDeterministicAlgorithms}. */
export function areDeterministicAlgorithmsEnabled(): boolean {
  return native.deterministicAlgorithms() !== "off";
}

/** True where {@link useDeterministicAlgorithms} was called with `warnOnly`. */
export function isDeterministicAlgorithmsWarnOnlyEnabled(): boolean {
  return native.deterministicAlgorithms() === "warn";
}

/** Precision of float32 matrix products: `"highest"` (float32, the default), `"high"` (TensorFloat-32 or three bfloat16), `"medium"` (bfloat16). */
export type MatmulPrecision = "highest" | "high" | "medium";

const PRECISION = oneOf("highest", "high", "medium");

/** Sets the {@link MatmulPrecision}; on CUDA `"high"` and `"medium"` switch `backends.cuda.matmul.allowTf32` on. */
export function setFloat32MatmulPrecision(precision: MatmulPrecision, ...surplus: never[]): void {
  checkArgument("setFloat32MatmulPrecision", "precision", precision, PRECISION);
  refuseSurplus("setFloat32MatmulPrecision", surplus);
  guard("setFloat32MatmulPrecision", () => native.setMatmulPrecision(precision));
}

/** The {@link MatmulPrecision} in effect. */
export function getFloat32MatmulPrecision(): MatmulPrecision {
  return native.matmulPrecision();
}
