/** Calls of ATen's operators by the names and arguments of exported programs. */
import { native } from "../addon";
import { dtypeCode, layoutCode, memoryFormatCode, type DType, type Layout, type MemoryFormat } from "../dtype";
import { TorchError, guard } from "../errors";
import { schemaOf } from "../overloads";
import type { Schema, SchemaArgument } from "../schema";
import { wrap } from "../scope";
import { printable, unsupported } from "../serialization/errors";
import { Tensor } from "../tensor";

/** A float that is a whole number, where an operator takes any number: 2.0 of Python is not 2. */
export class Float {
  constructor(readonly value: number) {}
}

/** An operator, ready to be called. */
export interface AtenOperator {
  readonly name: string;
  readonly schema: Schema;
  readonly id: number;
}

/** Operators that do more than compute: they reach files. */
const REFUSED = new Set(["aten::from_file", "aten::_print", "aten::save"]);

/** Operators with an underscore are libtorch's own, and some believe their arguments unseen: these are those that exports consist of. */
const INTERNAL = new RegExp(
  `^aten::_(?:${[
    "adaptive_avg_pool[23]d",
    "assert_\\w+",
    "assert_async",
    "batch_norm_\\w+",
    "cdist_forward",
    "conj(?:_physical)?",
    "convolution",
    "cummax_helper",
    "cummin_helper",
    "embedding_bag(?:_forward_only)?",
    "euclidean_dist",
    "fft_(?:r2c|c2r|c2c)",
    "fused_rms_norm",
    "grouped_mm",
    "is_all_true",
    "is_any_true",
    "linalg_\\w+",
    "local_scalar_dense",
    "log_softmax",
    "logcumsumexp",
    "native_batch_norm_legit\\w*",
    "neg_view",
    "pdist_forward",
    "prelu_kernel",
    "reshape_alias",
    "safe_softmax",
    "scaled_dot_product_(?:attention_math|efficient_attention|flash_attention\\w*|fused_attention_overrideable)",
    "scaled_mm",
    "shape_as_tensor",
    "softmax",
    "stack",
    "to_copy",
    "trilinear",
    "unique2?",
    "unsafe_(?:index|index_put|masked_index|view)",
    "upsample_\\w+",
    "weight_norm(?:_interface)?",
  ].join("|")})$`,
);

/**
 * The operator of a node: `torch.ops.aten.add.Tensor`.
 *
 * @throws CheckpointError for one that is not of ATen, or that programs have no use for
 */
export function findOperator(target: string): AtenOperator {
  const match = /^torch\.ops\.(\w+)\.(\w+)\.(\w+)$/.exec(target);
  if (match?.[1] !== "aten")
    throw unsupported(
      `a program that calls ${printable(target)}`,
      "only ATen's operators are run: decompose the program before saving it (program.run_decompositions()), without operators of your own",
    );
  const name = `aten::${match[2]!}`;
  const refused = REFUSED.has(name) || (name.startsWith("aten::_") && !INTERNAL.test(name));
  if (refused) throw unsupported(`a program that calls ${name}`, "this operator is not run from files");
  const overload = match[3] === "default" ? "" : match[3]!;
  const schema = schemaOf(overload === "" ? name : `${name}.${overload}`);
  if (schema === null)
    throw unsupported(
      `a program that calls ${printable(target)}`,
      "the libtorch in use has no such operator: use that of the program's PyTorch",
    );
  return { name, schema, id: native.operator(name, overload) };
}

/**
 * Calls an operator with values by the names of its schema.
 *
 * @returns what the schema says; several results are a list
 */
export function callOperator({ name, schema, id }: AtenOperator, values: ReadonlyMap<string, unknown>): unknown {
  const given = schema.arguments.map((argument) => toNative(argument, values.get(argument.name)));
  while (given.length > 0 && given.at(-1) === undefined) given.pop();
  const result = guard(name.slice("aten::".length), () => native.call(id, ...given));
  const written = schema.arguments.flatMap((argument) => (argument.mutable ? [values.get(argument.name)] : []));
  for (const tensor of written.flat()) if (tensor instanceof Tensor) tensor.cachedInfo = null;
  const { returns } = schema;
  if (returns.length === 0) return undefined;
  let next = 0;
  const convert = (index: number, value: unknown): unknown => {
    const { type, list, mutable } = returns[index]!;
    if (mutable) return written[next++];
    if (type !== "Tensor") return value;
    return list ? (value as number[]).map(wrapOrNull) : wrapOrNull(value as number);
  };
  return returns.length === 1 ? convert(0, result) : returns.map((_, at) => convert(at, (result as unknown[])[at]));
}

const wrapOrNull = (handle: number): Tensor | null => (handle === 0 ? null : wrap(handle));

/** A number where a tensor is due counts as little for the dtype of the result as it does in Python. */
function wrappedNumber(argument: SchemaArgument, value: unknown): number {
  const plain = value instanceof Float ? value.value : value;
  if (typeof plain !== "number" && typeof plain !== "bigint" && typeof plain !== "boolean")
    throw new TorchError(`expected a tensor for ${argument.name}, got ${typeof value}`);
  return wrap(native.wrappedNumber(plain, value instanceof Float || !Number.isInteger(Number(plain)))).handle;
}

function toNative(argument: SchemaArgument, value: unknown): unknown {
  if (value === undefined) return undefined;
  if (value === null) return argument.optional || argument.optionalEntries ? null : undefined;
  if (argument.list && Array.isArray(value)) return value.map((each) => one(argument, each));
  return one(argument, value);
}

function one(argument: SchemaArgument, value: unknown): unknown {
  if (value === null || value === undefined) return argument.type === "Tensor" ? 0 : value;
  if (value instanceof Tensor) return value.handle;
  if (argument.type === "Tensor") return wrappedNumber(argument, value);
  if (value instanceof Float) return argument.type === "Scalar" ? { float: value.value } : value.value;
  switch (argument.type) {
    case "ScalarType":
      return dtypeCode(value as DType);
    case "Layout":
      return layoutCode(value as Layout);
    case "MemoryFormat":
      return memoryFormatCode(value as MemoryFormat);
    case "Generator":
      throw new TorchError("programs have no generators");
    default:
      return value;
  }
}
