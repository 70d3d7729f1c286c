/** Kernels of our own on the CPU: which this machine runs, and which an operation takes. */
import { native } from "./addon";
import type { CpuKernels } from "./native";

/**
 * The highest instruction set that kernels of our own may use here: what the CPU has, or less where the environment
 * says so (`NOETHER_CPU`); "aten" means none. ATen's own choice is another (`ATEN_CPU_CAPABILITY`).
 */
export function cpuCapability(): CpuKernels["capability"] {
  return native.cpuKernels().capability;
}

/** The implementations of each operation by preference, and which of them this machine runs. Where none fits, ATen's is taken. */
export function cpuKernels(): Omit<CpuKernels, "capability"> {
  const { matmul, attention } = native.cpuKernels();
  return { matmul, attention };
}

/** @internal The kernel for a product of (m, k) and (k, n) in float32 or bfloat16; null: ATen's. */
export function matmulKernel(
  m: number,
  n: number,
  k: number,
  dtype: "float32" | "bfloat16" = "float32",
): string | null {
  return native.matmulKernel(m, n, k, dtype === "bfloat16");
}

/** @internal The kernel for attention of heads of this size in float32 or bfloat16; null: ATen's. */
export function attentionKernel(
  queries: number,
  keys: number,
  channels: number,
  dtype: "float32" | "bfloat16" = "float32",
): string | null {
  return native.attentionKernel(queries, keys, channels, dtype === "bfloat16");
}
