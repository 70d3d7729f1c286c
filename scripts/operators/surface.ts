/** What of the dispatcher's operators becomes a function or a method, decided by the snapshot of Python's surface. */
import { camelCase, parseSchema, type Schema, type SchemaArgument } from "../../lib/torch/schema";

/** `scripts/python-surface.json`, made by `scripts/python_surface.py`. */
export interface PythonSurface {
  readonly torch: string;
  readonly functions: readonly string[];
  readonly nn: readonly string[];
  readonly linalg: readonly string[];
  readonly fft: readonly string[];
  readonly special: readonly string[];
  readonly methods: readonly string[];
  readonly pythonMethods: readonly string[];
  readonly documented: Readonly<
    Record<"functions" | "nn" | "linalg" | "fft" | "special" | "methods", readonly string[]>
  >;
  readonly withoutOperator: readonly string[];
}

/** A file of generated functions, one per namespace that Python has. */
export type Namespace = "torch" | "linalg" | "fft" | "special";

/** One overload with the variant that writes into `out`, where there is one. */
export interface Overload {
  readonly schema: Schema;
  readonly out: Schema | null;
}

/** All overloads of one operator. */
export interface Operator {
  /** Base name in ATen: "linalg_norm". */
  readonly aten: string;
  readonly namespace: Namespace;
  /** Name in TypeScript: "norm". */
  readonly name: string;
  /** Method name on Tensor, null where Python has no such method. */
  readonly method: string | null;
  /** URL of PyTorch's documentation, null where there is none. */
  readonly page: string | null;
  readonly overloads: readonly Overload[];
}

/** A name of Python's surface that is not generated, and why. */
export interface LeftOut {
  readonly name: string;
  readonly where: string;
  readonly reason: string;
}

/** An overload that no call reaches, and why. */
export interface SkippedOverload {
  readonly schema: string;
  readonly reason: string;
}

/** Methods that `tensor.ts` writes by hand, since they do more than the operator or need no native call. */
export const HAND_WRITTEN_METHODS: ReadonlySet<string> = new Set([
  "dim",
  "index_put_",
  "item",
  "is_contiguous",
  "is_inference",
  "is_leaf",
  "numel",
  "requires_grad_",
  "retain_grad",
  "set_data",
  "size",
  "storage_offset",
  "stride",
  "to",
]);

/** Functions that lib/torch has under its own name, without the operator. */
export const HAND_WRITTEN_FUNCTIONS: ReadonlySet<string> = new Set(["is_grad_enabled", "is_inference_mode_enabled"]);

/** Operators without a builtin name in Python that lib/torch itself calls: subscripts and `real`/`imag`, properties in Python. */
const INTERNAL_FUNCTIONS: readonly string[] = ["adjoint", "alias", "imag", "index", "index_put_", "real", "slice"];

/** Argument types that JavaScript has no value for. */
const UNSUPPORTED: ReadonlyMap<string, string> = new Map([
  ["Dimname", "named tensors, which PyTorch gave up"],
  ["Storage", "takes a bare storage, which JavaScript does not hold"],
  ["Stream", "takes a device stream"],
  ["QScheme", "quantization schemes"],
]);

/** Overloads that Python's function of the name never calls, though its arguments would fit: `torch.stft` centres its windows by default. */
const NOT_PYTHONS: ReadonlySet<string> = new Set(["aten::stft"]);

const NAMESPACES: readonly Exclude<Namespace, "torch">[] = ["linalg", "fft", "special"];

/** Sorts the schemas into operators by the names that Python exposes. */
export function readSurface(
  surface: PythonSurface,
  schemas: readonly string[],
): { operators: Operator[]; leftOut: LeftOut[]; skipped: SkippedOverload[] } {
  const byName = new Map<string, Schema[]>();
  for (const text of schemas) {
    if (!text.startsWith("aten::")) continue;
    const schema = parseSchema(text);
    const base = schema.name.slice("aten::".length);
    byName.set(base, [...(byName.get(base) ?? []), schema]);
  }
  const methods = new Set(surface.methods);
  const operators: Operator[] = [];
  const leftOut: LeftOut[] = [];
  const skipped: SkippedOverload[] = [];
  const places: [Namespace, string, readonly string[]][] = [
    ["torch", "torch", surface.functions],
    ["torch", "torch.nn.functional", surface.nn],
    ["torch", "torch.Tensor", surface.methods],
    ["torch", "torch.Tensor", INTERNAL_FUNCTIONS],
    ...NAMESPACES.map((namespace): [Namespace, string, readonly string[]] => [
      namespace,
      `torch.${namespace}`,
      surface[namespace],
    ]),
  ];
  const done = new Set<string>();
  for (const [namespace, where, names] of places) {
    for (const aten of names) {
      const isMethod = where === "torch.Tensor";
      if (isMethod ? HAND_WRITTEN_METHODS.has(aten) : HAND_WRITTEN_FUNCTIONS.has(aten)) {
        leftOut.push({ name: aten, where, reason: "written by hand" });
        continue;
      }
      if (done.has(aten)) continue;
      const found = byName.get(aten);
      if (!found) {
        leftOut.push({ name: aten, where, reason: reasonWithoutOperator(aten) });
        continue;
      }
      const overloads = pairWithOut(found, skipped);
      if (overloads.length === 0) {
        leftOut.push({ name: aten, where, reason: `every overload: ${skippedReason(found)}` });
        continue;
      }
      done.add(aten);
      const prefix = `${namespace}_`;
      operators.push({
        aten,
        namespace,
        name: camelCase(namespace !== "torch" && aten.startsWith(prefix) ? aten.slice(prefix.length) : aten),
        method: methods.has(aten) && !HAND_WRITTEN_METHODS.has(aten) ? camelCase(aten) : null,
        page: documentationPage(surface, aten),
        overloads,
      });
    }
  }
  operators.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return { operators, leftOut, skipped };
}

/** Functional and in-place overloads, most specific first, each with the `out` variant of the same arguments. */
function pairWithOut(schemas: readonly Schema[], skipped: SkippedOverload[]): Overload[] {
  const usable = schemas.filter((schema) => {
    const reason = NOT_PYTHONS.has(`${schema.name}${schema.overload ? `.${schema.overload}` : ""}`)
      ? "not what Python's function does; reachable through ops.call"
      : unsupported(schema);
    if (reason) skipped.push({ schema: schema.text, reason });
    return !reason;
  });
  const functional = usable.filter((schema) => !isOut(schema));
  const outs = usable.filter(isOut);
  const overloads = functional.map((schema) => ({
    schema,
    out: outs.find((out) => signature(out) === signature(schema)) ?? null,
  }));
  const used = new Set(overloads.map(({ out }) => out));
  // An operator that only writes into `out` is called with it; it stands as an overload of its own.
  const alone = outs
    .filter((out) => !used.has(out) && functional.length === 0)
    .map((schema) => ({ schema, out: null }));
  for (const out of outs) {
    if (!used.has(out) && functional.length > 0)
      skipped.push({
        schema: out.text,
        reason: "an out variant without a functional twin; reachable through ops.call",
      });
  }
  return [...overloads, ...alone].sort((a, b) => specificity(a.schema) - specificity(b.schema));
}

/** Tensors before numbers: a 0-dim tensor is never mistaken for a Scalar, as in Python's argument parser. */
function specificity(schema: Schema): number {
  return schema.arguments.filter(
    (argument) => argument.type === "Scalar" && !argument.kwargOnly && !argument.hasDefault,
  ).length;
}

function signature(schema: Schema): string {
  return schema.arguments
    .filter((argument) => !(argument.mutable && argument.kwargOnly))
    .filter((argument) => !isTensorOption(argument))
    .map(({ name, type, list, optional }) => `${type}${list ? "[]" : ""}${optional ? "?" : ""} ${name}`)
    .join(", ");
}

function isTensorOption({ name, kwargOnly, optional }: SchemaArgument): boolean {
  return kwargOnly && optional && ["dtype", "layout", "device", "pin_memory"].includes(name);
}

function isOut(schema: Schema): boolean {
  return schema.arguments.some((argument) => argument.mutable && argument.kwargOnly);
}

function unsupported(schema: Schema): string | null {
  for (const argument of schema.arguments) {
    const reason = UNSUPPORTED.get(argument.type);
    if (reason) return reason;
    if (!/^(Tensor|int|float|bool|str|Scalar|ScalarType|Layout|MemoryFormat|Device|Generator)$/.test(argument.type)) {
      return `takes a ${argument.type}`;
    }
  }
  for (const result of schema.returns) {
    if (!/^(Tensor|int|float|bool|str|Scalar|ScalarType|Device|Layout)$/.test(result.type))
      return `returns a ${result.type}`;
  }
  return null;
}

function skippedReason(schemas: readonly Schema[]): string {
  return [...new Set(schemas.map((schema) => unsupported(schema) ?? "out variant"))].join("; ");
}

function documentationPage(surface: PythonSurface, aten: string): string | null {
  const base = "https://pytorch.org/docs/stable";
  const { documented } = surface;
  if (documented.functions.includes(aten)) return `${base}/generated/torch.${aten}.html`;
  if (documented.nn.includes(aten)) return `${base}/generated/torch.nn.functional.${aten}.html`;
  if (documented.linalg.includes(aten)) return `${base}/generated/torch.linalg.${aten.slice("linalg_".length)}.html`;
  if (documented.fft.includes(aten)) return `${base}/generated/torch.fft.${aten.slice("fft_".length)}.html`;
  if (documented.special.includes(aten)) return `${base}/special.html#torch.special.${aten.slice("special_".length)}`;
  if (documented.methods.includes(aten)) return `${base}/generated/torch.Tensor.${aten}.html`;
  return null;
}

const WITHOUT_OPERATOR: readonly [RegExp, string][] = [
  [
    /^(bfloat16|bool|byte|cdouble|cfloat|char|cpu|cuda|double|float|half|int|long|short|type)$/,
    "no operator: a cast; written by hand where JavaScript has it",
  ],
  [
    /^(element_size|ndimension|nelement|tolist|new_tensor|new|tensor|as_tensor|asarray|from_numpy|frombuffer)$/,
    "no operator: made from JavaScript values; written by hand under the JavaScript name",
  ],
  [
    /^(numpy|as_subclass|apply_|map_|map2_|data_ptr|const_data_ptr|untyped_storage|dsmm|hsmm|saddmm|spmm|ipu|mtia|xpu)$/,
    "Python-only: NumPy, pointers, subclasses, callbacks per element or devices outside this project",
  ],
  [/^_test_/, "a test of Python's argument parser"],
  [/^_/, "internal to Python"],
];

function reasonWithoutOperator(name: string): string {
  return WITHOUT_OPERATOR.find(([pattern]) => pattern.test(name))?.[1] ?? "no operator of this name in the dispatcher";
}
