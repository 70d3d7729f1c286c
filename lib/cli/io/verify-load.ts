import { InvalidInputError } from "../../io";
import { optionalPackage } from "../../io/optional-package";
import { UsageError } from "../hydra-arguments";

/** Values of `--verify-load`. */
export const LOADABLE = ["pt", "safetensors", "onnx", "ts"] as const;

/**
 * What tries to load a file; null: nothing is to be tried.
 *
 * @throws UsageError for TorchScript, before anything is fetched
 */
export function loaderFor(kind: string | undefined): ((path: string) => Promise<void>) | null {
  if (kind === undefined) return null;
  if (kind === "ts")
    throw new UsageError(
      "--verify-load ts is not implemented: TorchScript files cannot be loaded here; compare --sha256 instead",
    );
  return async (path) => {
    try {
      await load(kind, path);
    } catch (error) {
      throw new InvalidInputError(`${path} cannot be loaded as ${kind}: ${(error as Error).message}`, { cause: error });
    }
  };
}

async function load(kind: string, path: string): Promise<void> {
  if (kind === "onnx") {
    const { InferenceSession } = await optionalPackage<Onnx>("onnxruntime-node", "loads ONNX files");
    await InferenceSession.create(path);
    return;
  }
  // only now, as the addon is not needed to fetch; with extension, since a built file imports it natively
  const torch = await import("../../torch/index.js");
  torch.scope(() => void (kind === "pt" ? torch.load(path, { mmap: true }) : torch.loadSafetensors(path)));
}

/** What is used of the package. */
interface Onnx {
  readonly InferenceSession: { create(path: string): Promise<unknown> };
}
