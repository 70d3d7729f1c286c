import { suggestNames } from "../../config/nearest-names";
import { ValueError } from "../../config/python-errors";
import type { NdArray, TypedArray } from "../../data";
import { fromTypedArray, Tensor, tensor, type TensorLike } from "../../torch";
import type { InputField, OutputField, Precision, RunFields } from "./run-fields";

/** An input: a tensor, numbers with a shape, a typed array (row by row), nested lists of numbers, or a number. */
export type InputValue = Tensor | NdArray | TypedArray | TensorLike;

/** Inputs of one case by sample key. */
export type CaseInputs = Readonly<Record<string, InputValue>>;

/**
 * Inputs as tensors of one precision on the CPU, checked: positions (N, P), features (N, C), conditions (C). Entries under the names of
 * outputs are left out: they are what is to be predicted.
 *
 * @throws ValueError that names what is missing, unknown or of another shape
 */
export function readInputs(
  given: CaseInputs,
  { inputs, outputs, domains }: RunFields,
  dtype: Precision = "float32",
): Map<string, Tensor> {
  if (typeof given !== "object" || given === null || Array.isArray(given) || given instanceof Tensor)
    throw new ValueError(
      `expected inputs by name (${names(inputs)}), got ${given instanceof Tensor ? "a tensor" : typeof given}`,
    );
  const missing = inputs.filter(({ name }) => given[name] === undefined || given[name] === null);
  if (missing.length > 0)
    throw new ValueError(
      `expected the inputs ${names(inputs)}, got ${Object.keys(given).join(", ") || "nothing"}; missing: ${names(missing)}`,
    );
  const known = new Set([...inputs, ...outputs].map(({ name }) => name));
  const unknown = Object.keys(given).find((name) => !known.has(name));
  if (unknown !== undefined)
    throw new ValueError(
      `"${unknown}" is no input of this run; ${suggestNames(
        unknown,
        inputs.map(({ name }) => name),
      )}`,
    );
  const values = new Map(inputs.map((input) => [input.name, toTensor(given[input.name]!, input, dtype)]));
  for (const domain of domains) checkRows(domain, inputs, values);
  return values;
}

function names(fields: readonly (InputField | OutputField)[]): string {
  return fields.map(({ name }) => name).join(", ");
}

function toTensor(value: InputValue, input: InputField, dtype: Precision): Tensor {
  const { name, role, channels } = input;
  let given: Tensor;
  try {
    given = (value instanceof Tensor ? value : made(value, dtype)).detach().to({ dtype, device: "cpu" });
  } catch (error) {
    throw new ValueError(`input "${name}": expected numbers, got ${(error as Error).message}`, { cause: error });
  }
  const result = role === "condition" ? asVector(given) : asRows(given, channels);
  const last = result.ndim === 0 ? 1 : result.size(-1);
  const fits = result.ndim === (role === "condition" ? 1 : 2) && (channels === null || last === channels);
  if (!fits) {
    const expected = role === "condition" ? `(${channels ?? "C"})` : `(N, ${channels ?? "C"})`;
    throw new ValueError(`input "${name}": expected shape ${expected}, got (${given.shape.join(", ")})`);
  }
  if (result.numel() === 0) throw new ValueError(`input "${name}": expected at least one point, got none`);
  if (!result.isfinite().all().item())
    throw new ValueError(`input "${name}": expected finite numbers, got NaN or infinity`);
  return result.contiguous();
}

function made(value: Exclude<InputValue, Tensor>, dtype: Precision): Tensor {
  if (isArray(value)) return fromTypedArray(value.values, value.shape);
  // lists of bigints or booleans are what they are before they become numbers
  return ArrayBuffer.isView(value) ? tensor(value as TensorLike) : tensor(value as TensorLike, { dtype });
}

function isArray(value: unknown): value is NdArray {
  return typeof value === "object" && value !== null && !ArrayBuffer.isView(value) && "shape" in value;
}

/** (C), from a number, (C), (1, C) or (C, 1). */
function asVector(x: Tensor): Tensor {
  return x.ndim <= 1 || x.shape.filter((size) => size !== 1).length <= 1 ? x.reshape([-1]) : x;
}

/** (N, C) from (N, C), from (1, N, C), or row by row from N · C numbers. */
function asRows(x: Tensor, channels: number | null): Tensor {
  if (x.ndim === 3 && x.size(0) === 1) return x.squeeze(0);
  if (x.ndim !== 1) return x;
  const width = channels ?? 1;
  return x.numel() % width === 0 ? x.reshape([-1, width]) : x; // (N, C)
}

function checkRows(domain: string, inputs: readonly InputField[], values: ReadonlyMap<string, Tensor>): void {
  const ofPoints = inputs.filter((input) => input.domain === domain && input.role !== "condition");
  const [first, ...others] = ofPoints;
  if (first === undefined) return;
  const rows = values.get(first.name)!.size(0);
  const other = others.find(({ name }) => values.get(name)!.size(0) !== rows);
  if (other !== undefined)
    throw new ValueError(
      `inputs "${first.name}" and "${other.name}": expected as many rows, one a point, got ${rows} and ${values.get(other.name)!.size(0)}`,
    );
}
