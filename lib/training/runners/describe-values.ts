import { compactNumber } from "../../core/logging/formatters";
import { Tensor, type Complex } from "../../torch";

/** Tensors of at most so many elements are printed as a whole. */
const ALL_VALUES = 20;
const FIRST_VALUES = 10;
const FIRST_ITEMS = 5;

/**
 * Lines for people that say what a value is: shape, dtype, device, range and first elements of a tensor, the entries of lists
 * and mappings.
 */
export function describeValue(name: string, value: unknown, indent = "  "): string[] {
  const inner = `${indent}  `;
  const head = (text: string): string => `${indent}${name}: ${text}`;
  if (value instanceof Tensor) {
    const values = firstValues(value);
    if (value.ndim === 0) return [head(`${typeOf(value)}: ${values}`)];
    return [head(`${typeOf(value)}${rangeOf(value)}`), ...(values === "" ? [] : [`${inner}[${values}]`])];
  }
  if (Array.isArray(value)) {
    const items: unknown[] = value.slice(0, FIRST_ITEMS);
    const more = value.length > items.length ? [`${inner}…`] : [];
    return [
      head(`list of ${value.length}`),
      ...items.flatMap((item, index) => describeValue(String(index), item, inner)),
      ...more,
    ];
  }
  if (typeof value === "string") return [head(JSON.stringify(value))];
  if (typeof value !== "object" || value === null) return [head(String(value))];
  const entries = value instanceof Map ? [...(value as Map<unknown, unknown>)] : Object.entries(value);
  const title = value.constructor?.name ?? "Object";
  return [
    head(title === "Object" || title === "Map" ? `${entries.length} entries` : title),
    ...entries.flatMap(([key, entry]) => describeValue(String(key), entry, inner)),
  ];
}

/** `tensor (256, 2) float32 on cpu`. */
function typeOf({ shape, dtype, device }: Tensor): string {
  return `tensor (${shape.join(", ")}) ${dtype} on ${device}`;
}

/** `, -2.87 to 2.95, mean 0.0121`, and how many elements are not finite. */
function rangeOf(tensor: Tensor): string {
  if (tensor.numel() === 0 || tensor.dtype === "bool" || tensor.isComplex()) return "";
  const values = tensor.detach().to("cpu").to("float64").flatten(); // (N,)
  const finite = values.maskedSelect(values.isfinite()); // (F,)
  const notFinite = values.numel() - finite.numel();
  const number = (value: Tensor): string => compactNumber(Number(value.item()));
  const range =
    finite.numel() === 0 ? [] : [`${number(finite.min())} to ${number(finite.max())}`, `mean ${number(finite.mean())}`];
  return ["", ...range, ...(notFinite === 0 ? [] : [`${notFinite} not finite`])].join(", ");
}

/** `1, 2, 3`: the elements, row by row. */
function firstValues(tensor: Tensor): string {
  const count = tensor.numel();
  const shown = count <= ALL_VALUES ? count : FIRST_VALUES;
  const first = tensor.detach().to("cpu").flatten().narrow(0, 0, shown).toArray();
  const texts = (first as (number | bigint | boolean | Complex)[]).map((value) => {
    if (typeof value === "number") return compactNumber(value);
    return typeof value === "object" ? `${compactNumber(value.re)} + ${compactNumber(value.im)}i` : String(value);
  });
  return [...texts, ...(shown < count ? ["…"] : [])].join(", ");
}
