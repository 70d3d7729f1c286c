import { getLogger } from "../../core/logging";
import { backends, useDeterministicAlgorithms } from "../../torch";
import type { ConfigSchema } from "./config-schema";

/** What cuBLAS needs for products that repeat bit for bit; read when it starts. */
const WORKSPACE = ":4096:8";

/**
 * What `cudnn_benchmark` and `cudnn_deterministic` mean on a GPU. With the latter, operators and cuDNN take algorithms that give the same
 * result each time; of an operator that has none the log warns. On the CPU every result repeats anyway.
 *
 * @param device - of the run: `cpu`, `cuda`, `cuda:1`
 */
export function setDeterminism(
  { cudnn_benchmark, cudnn_deterministic }: Pick<ConfigSchema, "cudnn_benchmark" | "cudnn_deterministic">,
  device: string,
): void {
  if (!device.startsWith("cuda")) return;
  backends.cudnn.benchmark = cudnn_benchmark;
  backends.cudnn.deterministic = cudnn_deterministic;
  useDeterministicAlgorithms(cudnn_deterministic, { warnOnly: true });
  if (!cudnn_deterministic) return;
  process.env["CUBLAS_WORKSPACE_CONFIG"] ??= WORKSPACE;
  getLogger("runner").info("deterministic algorithms: results repeat bit for bit, with fewer kernels to choose from");
}
