import { InvalidInputError } from "../../io";
import { optionalPackage } from "../../io/optional-package";

/** Values of `--verify-load`. */
export const LOADABLE = ["pt", "safetensors", "onnx", "ts"] as const;

/**
 * What tries to load a file; null: nothing is to be tried.
 *
 * @throws IoError without the package that it takes, before anything is fetched
 */
export async function loaderFor(kind: string | undefined): Promise<((path: string) => Promise<void>) | null> {
  if (kind === undefined) return null;
  const onnx = kind === "onnx" ? await optionalPackage<Onnx>("onnxruntime-node", "loads ONNX files") : null;
  return async (path) => {
    try {
      if (onnx === null) await load(kind, path);
      else await onnx.InferenceSession.create(path);
    } catch (error) {
      throw new InvalidInputError(`${path} cannot be loaded as ${kind}: ${(error as Error).message}`, { cause: error });
    }
  };
}

async function load(kind: string, path: string): Promise<void> {
  // only now, as the addon is not needed to fetch; with extension, since a built file imports it natively
  const torch = await import("../../torch/index.js");
  torch.scope(() => {
    if (kind === "ts") torch.jit.load(path);
    else if (kind === "pt") torch.load(path, { mmap: true });
    else torch.loadSafetensors(path);
  });
}

/** What is used of the package. */
interface Onnx {
  readonly InferenceSession: { create(path: string): Promise<unknown> };
}
