/** Tensors of PyTorch's and safetensors files as arrays by name; the torch layer reads the files. */
import { basename, extname } from "node:path";
import { CheckpointError, load, loadSafetensors, scope, Tensor, TorchError } from "../../torch";
import { numericType, type NdArray, type TypedArray } from "./arrays";
import { openFile } from "./byte-source";
import { FileFormatError } from "./errors";
import { FieldMap } from "./mesh";

/**
 * The tensors of a `.pt`, `.pth`, `.th` or `.safetensors` file. Names of mappings and lists inside each other are joined by
 * `/`; a tensor alone has the name of the file. float16 and bfloat16 become float32, booleans uint8.
 *
 * @throws FileFormatError for damaged files, and for a wanted tensor that is no array of real numbers.
 */
export function readTensors(path: string, wanted: (name: string) => boolean = () => true): FieldMap {
  // says which file is missing
  openFile(path).close();
  return scope(() => {
    const arrays = new FieldMap();
    const alone = basename(path, extname(path));
    const visit = (value: unknown, name: string): void => {
      if (value instanceof Tensor) {
        const own = name === "" ? alone : name;
        if (wanted(own)) arrays.set(own, toArray(value, own, path));
      } else for (const [key, entry] of entriesOf(value)) visit(entry, name === "" ? key : `${name}/${key}`);
    };
    visit(readContent(path), "");
    return arrays;
  });
}

function readContent(path: string): unknown {
  try {
    // what is not wanted stays on the disk
    if (extname(path).toLowerCase() === ".safetensors") return loadSafetensors(path, { mmap: true }).tensors;
    return load(path);
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    throw new FileFormatError(path, error.message, { cause: error });
  }
}

function entriesOf(value: unknown): [string, unknown][] {
  if (value instanceof Map) return [...(value as Map<unknown, unknown>)].map(([key, entry]) => [String(key), entry]);
  if (Array.isArray(value)) return value.map((entry, i) => [String(i), entry]);
  const isPlain = typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  return isPlain ? Object.entries(value) : [];
}

function toArray(tensor: Tensor, name: string, path: string): NdArray {
  const { dtype, shape } = tensor;
  try {
    const plain =
      dtype === "float16" || dtype === "bfloat16"
        ? tensor.to("float32")
        : dtype === "bool"
          ? tensor.to("uint8")
          : tensor;
    const values = plain.detach().contiguous().dataSync() as TypedArray;
    numericType(values);
    return { values: values.slice(), shape: [...shape] };
  } catch (error) {
    if (!(error instanceof TorchError || error instanceof TypeError)) throw error;
    throw new FileFormatError(path, `expected real numbers in "${name}", got ${dtype}; leave it out with names`, {
      cause: error,
    });
  }
}
