/** PyTorch's text of a tensor: `tensor([[1., 2.], [3., 4.]], dtype=torch.float64)`, wrapped and shortened by the same rules. */
import { getDefaultDtype } from "./creation";
import { native } from "./addon";
import { checkOptions, count, flag, nonNegative, nullable, oneOf, positive } from "./arguments";
import { asTorchError, TorchError } from "./errors";
import { isComplex, isFloatingPoint, type Complex } from "./dtype";
import { noGrad } from "./autograd";
import { cat } from "./operators.generated";
import { formatFixed, formatScientific } from "./print-number";
import { readTypedArray, readValues } from "./read";
import { scope } from "./scope";
import type { Tensor } from "./tensor";

/** How tensors are printed; the defaults are PyTorch's. */
export interface PrintOptions {
  /** Digits after the point. */
  readonly precision: number;
  /** Tensors of more elements are shortened. */
  readonly threshold: number;
  /** Elements at either end of a dimension that a shortened tensor shows. */
  readonly edgeitems: number;
  /** Characters in a line. */
  readonly linewidth: number;
  /** Scientific notation: always, never, or (null) by the values. */
  readonly sciMode: boolean | null;
}

const DEFAULTS: PrintOptions = { precision: 4, threshold: 1000, edgeitems: 3, linewidth: 80, sciMode: null };
const PROFILES = {
  default: DEFAULTS,
  short: { ...DEFAULTS, precision: 2, edgeitems: 2 },
  full: { ...DEFAULTS, threshold: Infinity },
} as const;

let options: PrintOptions = DEFAULTS;

const KINDS = {
  precision: count,
  threshold: nonNegative,
  edgeitems: count,
  linewidth: positive,
  sciMode: nullable(flag),
  profile: oneOf("default", "short", "full"),
};

/** Changes how tensors are printed from here on; what is not given stays, except `sciMode`, as in PyTorch. */
export function setPrintOptions(changes: Partial<PrintOptions> & { readonly profile?: keyof typeof PROFILES }): void {
  checkOptions("setPrintOptions", changes, KINDS);
  const { profile, ...given } = changes;
  options = { ...(profile ? PROFILES[profile] : options), sciMode: null, ...given };
}

/** The options in effect. */
export function getPrintOptions(): PrintOptions {
  return options;
}

type Value = number | bigint | boolean | Complex;

/** @internal The text of a live tensor. */
export function formatTensor(tensor: Tensor): string {
  const prefix = "tensor(";
  const { dtype, device } = tensor;
  const suffixes: string[] = [];
  if (device !== "cpu") suffixes.push(`device='${device}'`);
  const standard = getDefaultDtype();
  const familiar: string[] = [standard, standard === "float64" ? "complex128" : "complex64", "int64", "bool"];
  let contents: string;
  if (device === "meta") {
    suffixes.push(`size=${shapeText(tensor.shape)}`);
    if (dtype !== standard) suffixes.push(`dtype=torch.${dtype}`);
    contents = "...";
  } else if (tensor.numel() === 0) {
    if (tensor.ndim !== 1) suffixes.push(`size=${shapeText(tensor.shape)}`);
    if (dtype !== standard) suffixes.push(`dtype=torch.${dtype}`);
    contents = "[]";
  } else if (!hasElements(tensor)) {
    // Sparse and other layouts: their parts print on their own, `x.indices()` and `x.values()`.
    suffixes.push(`size=${shapeText(tensor.shape)}`);
    if (dtype !== standard) suffixes.push(`dtype=torch.${dtype}`);
    contents = "...";
  } else {
    if (options.edgeitems === 0) suffixes.push(`size=${shapeText(tensor.shape)}`);
    if (!familiar.includes(dtype)) suffixes.push(`dtype=torch.${dtype}`);
    contents = formatContents(tensor, prefix.length);
  }
  const { gradFn } = tensor;
  if (gradFn !== null) suffixes.push(`grad_fn=<${gradFn}>`);
  else if (tensor.requiresGrad) suffixes.push("requires_grad=True");
  return addSuffixes(prefix + contents, suffixes, prefix.length);
}

/** @internal The text with as many digits as tell the elements from their neighbours, where all are shown. */
export function formatExactly(tensor: Tensor): string {
  const outer = options;
  try {
    options = { ...outer, precision: digitsOf(tensor, outer) };
    return formatTensor(tensor);
  } finally {
    options = outer;
  }
}

function digitsOf(tensor: Tensor, { precision, threshold }: PrintOptions): number {
  const { dtype } = tensor;
  const exact = tensor.device === "meta" || tensor.numel() > threshold || !hasElements(tensor);
  if (exact || !(isFloatingPoint(dtype) || isComplex(dtype))) return precision;
  const values = readTypedArray(tensor) as Float64Array;
  if (values.every((value) => !Number.isFinite(value) || Number(value.toFixed(precision)) === value)) return precision;
  return dtype === "float64" || dtype === "complex128" ? 17 : 9;
}

/** @internal False for layouts other than strided, which have no storage of their own. */
export function hasElements(tensor: Tensor): boolean {
  try {
    native.storageId(tensor.handle);
    return true;
  } catch (error) {
    if (asTorchError(error) instanceof TorchError) return false;
    throw error;
  }
}

function shapeText(shape: readonly number[]): string {
  return `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
}

function addSuffixes(text: string, suffixes: readonly string[], indent: number): string {
  let result = text;
  let lineLength = text.length - text.lastIndexOf("\n") + 1;
  for (const suffix of suffixes) {
    if (lineLength + suffix.length + 2 > options.linewidth) {
      result += `,\n${" ".repeat(indent)}${suffix}`;
      lineLength = indent + suffix.length;
    } else {
      result += `, ${suffix}`;
      lineLength += suffix.length + 2;
    }
  }
  return `${result})`;
}

/** What the elements of one tensor look like: all have the same width. */
interface Format {
  readonly width: number;
  text(value: number | bigint | boolean): string;
}

function formatContents(tensor: Tensor, indent: number): string {
  const summarize = tensor.numel() > options.threshold;
  // Only what is shown is read: at most 2 · edgeitems along each dimension.
  const { values, shape } = scope(() =>
    noGrad(() => {
      const shown = summarize ? edges(tensor.detach()) : tensor;
      return { values: readValues(shown, "toString"), shape: shown.shape };
    }),
  );
  const show = isComplex(tensor.dtype)
    ? complexText(values as Complex[])
    : realText(values as number[], isFloatingPoint(tensor.dtype));
  const layout = { shape: tensor.shape, shown: shape, summarize, values, ...show };
  return formatDimension(layout, 0, 0, indent);
}

/** The first and last `edgeitems` along each long dimension. */
function edges(tensor: Tensor): Tensor {
  const { edgeitems } = options;
  let result = tensor;
  for (let dim = 0; dim < tensor.ndim; dim++) {
    const length = tensor.shape[dim]!;
    if (length <= 2 * edgeitems) continue;
    result = cat([result.narrow(dim, 0, edgeitems), result.narrow(dim, length - edgeitems, edgeitems)], dim);
  }
  return result;
}

interface Layout {
  /** The tensor's shape, and that of the values that are shown. */
  readonly shape: readonly number[];
  readonly shown: readonly number[];
  readonly summarize: boolean;
  readonly values: readonly Value[];
  readonly width: number;
  text(value: Value): string;
}

function formatDimension(layout: Layout, dim: number, offset: number, indent: number): string {
  const { shape, shown, values } = layout;
  if (dim === shape.length) return layout.text(values[offset]!);
  const length = shown[dim]!;
  const shortened = layout.summarize && shape[dim]! > 2 * options.edgeitems;
  if (dim === shape.length - 1) return formatRow(layout, offset, length, shortened, indent);
  const step = shown.slice(dim + 1).reduce((product, size) => product * size, 1);
  const slices = Array.from({ length }, (_, index) =>
    formatDimension(layout, dim + 1, offset + index * step, indent + 1),
  );
  if (shortened) slices.splice(options.edgeitems, 0, "...");
  return `[${slices.join(`,${"\n".repeat(shape.length - dim - 1)}${" ".repeat(indent + 1)}`)}]`;
}

function formatRow(layout: Layout, offset: number, length: number, shortened: boolean, indent: number): string {
  const perLine = Math.max(1, Math.floor((options.linewidth - indent) / layout.width));
  const cells = layout.values.slice(offset, offset + length).map((value) => layout.text(value));
  if (shortened) cells.splice(options.edgeitems, 0, options.edgeitems === 0 ? "..." : " ...");
  const lines: string[] = [];
  for (let start = 0; start < cells.length; start += perLine)
    lines.push(cells.slice(start, start + perLine).join(", "));
  return `[${lines.join(`,\n${" ".repeat(indent + 1)}`)}]`;
}

/** Width counts the separating comma and space. */
function realText(values: readonly (number | bigint | boolean)[], floating: boolean): Pick<Layout, "width" | "text"> {
  const format = floating ? floatFormat(values as number[]) : integerFormat(values);
  return { width: format.width + 2, text: (value) => format.text(value as number) };
}

function complexText(values: readonly Complex[]): Pick<Layout, "width" | "text"> {
  const real = floatFormat(values.map(({ re }) => re));
  const imaginary = floatFormat(values.map(({ im }) => im));
  return {
    width: real.width + 2 + imaginary.width + 1,
    text(value) {
      const { re, im } = value as Complex;
      const right = `${imaginary.text(im)}j`.trimStart();
      return real.text(re) + (/^[+-]/.test(right) ? right : `+${right}`);
    },
  };
}

function integerFormat(values: readonly (number | bigint | boolean)[]): Format {
  const text = (value: number | bigint | boolean): string =>
    typeof value === "boolean" ? (value ? "True" : "False") : String(value);
  const width = values.reduce<number>((widest, value) => Math.max(widest, text(value).length), 1);
  return { width, text: (value) => text(value).padStart(width) };
}

function floatFormat(values: readonly number[]): Format {
  const { precision, sciMode } = options;
  const significant = values.filter((value) => Number.isFinite(value) && value !== 0);
  const magnitudes = significant.map(Math.abs);
  const largest = magnitudes.reduce((a, b) => Math.max(a, b), 0);
  const smallest = magnitudes.reduce((a, b) => Math.min(a, b), Infinity);
  const integral = significant.every(Number.isInteger);
  const scientific =
    significant.length > 0 && (sciMode ?? (largest / smallest > 1000 || largest > 1e8 || smallest < 1e-4));
  const text = (value: number): string => {
    if (scientific) return formatScientific(value, precision);
    if (!integral) return formatFixed(value, precision);
    return Number.isFinite(value) ? `${formatFixed(value, 0)}.` : formatFixed(value, 0);
  };
  const width = significant.reduce((widest, value) => Math.max(widest, text(value).length), 1);
  return { width, text: (value) => text(value as number).padStart(width) };
}
