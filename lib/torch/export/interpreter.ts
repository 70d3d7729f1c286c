/** Runs the graph of an exported program, one operator after the other. */
import { show } from "../arguments";
import { setGradEnabled } from "../autograd/recording";
import type { DType } from "../dtype";
import { TorchError } from "../errors";
import { damaged, printable, unsupported } from "../serialization/errors";
import { Tensor } from "../tensor";
import { boolean, float, integer, list, object, own, string, union } from "./json";
import { callOperator, findOperator, Float, type AtenOperator } from "./operators";
import type { Argument, Graph, GraphNode } from "./program";
import { findFunction, type PythonFunction } from "./python-functions";

/** Values by their names in the graph. */
export type Values = Map<string, unknown>;

type Read = (values: Values) => unknown;

/** A node that has been looked through: what is not known was refused. */
interface Step {
  readonly target: string;
  readonly run: (values: Values) => void;
}

/** A graph that can be run. */
export interface Compiled {
  /** Sets values by name from those of the inputs, and returns the outputs. */
  run(values: Values): unknown[];
  readonly inputs: readonly Argument[];
  readonly returnsSingleTensor: boolean;
}

/** Codes of the file (not those of c10). */
export const DTYPES: Readonly<Record<number, DType>> = {
  1: "uint8",
  2: "int8",
  3: "int16",
  4: "int32",
  5: "int64",
  6: "float16",
  7: "float32",
  8: "float64",
  9: "complex32",
  10: "complex64",
  11: "complex128",
  12: "bool",
  13: "bfloat16",
  28: "uint16",
  29: "float8_e4m3fn",
  30: "float8_e5m2",
  31: "float8_e4m3fnuz",
  32: "float8_e5m2fnuz",
  33: "float8_e8m0fnu",
  34: "uint32",
  35: "uint64",
};
const LAYOUTS: Readonly<Record<number, string>> = {
  1: "sparse_coo",
  2: "sparse_csr",
  3: "sparse_csc",
  4: "sparse_bsr",
  5: "sparse_bsc",
  6: "mkldnn",
  7: "strided",
};
const MEMORY_FORMATS: Readonly<Record<number, string>> = {
  1: "contiguous_format",
  2: "channels_last",
  3: "channels_last_3d",
  4: "preserve_format",
};

function coded<T>(table: Readonly<Record<number, T>>, code: unknown, what: string): T {
  const found = typeof code === "number" && Object.hasOwn(table, code) ? table[code] : undefined;
  if (found === undefined) throw damaged(`${printable(show(code))} for ${what}`);
  return found;
}

/**
 * Looks through a graph: every operator is found, every argument read.
 *
 * @param device where all tensors are, whatever the program says
 * @throws CheckpointError for what cannot be run
 */
export function compile(graph: Graph, device: string): Compiled {
  const known = new Set(graph.inputs.flatMap(namesOf));
  const steps = graph.nodes.map((node) => {
    const step = compileNode(node, device, known);
    for (const output of node.outputs) for (const name of namesOf(output)) known.add(name);
    return step;
  });
  const outputs = graph.outputs.map((output) => reader(output, device, known));
  return {
    inputs: graph.inputs,
    returnsSingleTensor: graph.returnsSingleTensor,
    run(values) {
      for (const { target, run } of steps) {
        try {
          run(values);
        } catch (error) {
          if (error instanceof TorchError) error.message = `${target}: ${error.message}`;
          throw error;
        }
      }
      return outputs.map((read) => read(values));
    },
  };
}

/** Names that an argument gives values to. */
export function namesOf([kind, value]: Argument): string[] {
  switch (kind) {
    case "as_tensor":
      return [string(own(object(value, "a tensor"), "name"), "a name")];
    case "as_tensors":
      return list(value, "tensors").map((each) => string(own(object(each, "a tensor"), "name"), "a name"));
    case "as_sym_int":
    case "as_sym_bool":
    case "as_sym_float": {
      const [form, content] = union(value, "a symbol");
      return form === "as_name" ? [string(content, "a symbol")] : [];
    }
    case "as_optional_tensor": {
      const [form, content] = union(value, "a tensor");
      return form === "as_tensor" ? [string(own(object(content, "a tensor"), "name"), "a name")] : [];
    }
    default:
      return [];
  }
}

/** How the value of an argument is found when the graph runs. */
function reader([kind, value]: Argument, device: string, known: ReadonlySet<string>): Read {
  const constant =
    (result: unknown): Read =>
    () =>
      result;
  const named = (name: string): Read => {
    if (!known.has(name)) throw damaged(`a graph that uses ${printable(name)} before it is there`);
    return (values) => values.get(name);
  };
  const tensor = (content: unknown): Read => named(string(own(object(content, "a tensor"), "name"), "a tensor"));
  const optional = (content: unknown): Read => {
    const [form, inner] = union(content, "an optional tensor");
    return form === "as_none" ? constant(null) : tensor(inner);
  };
  const symbol = (content: unknown): Read => {
    const [form, inner] = union(content, "a symbol");
    if (form === "as_name") return named(string(inner, "a symbol"));
    if (form === "as_int") return constant(integer(inner, "an integer"));
    return constant(form === "as_bool" ? boolean(inner, "a boolean") : number(inner));
  };
  const all = (content: unknown, each: (entry: unknown) => Read): Read => {
    const reads = list(content, "a list").map(each);
    return (values) => reads.map((read) => read(values));
  };
  switch (kind) {
    case "as_none":
      return constant(null);
    case "as_tensor":
      return tensor(value);
    case "as_tensors":
      return all(value, tensor);
    case "as_optional_tensor":
      return optional(value);
    case "as_optional_tensors":
      return all(value, optional);
    case "as_int":
      return constant(integer(value, "an integer"));
    case "as_ints":
      return constant(list(value, "integers").map((each) => integer(each, "an integer")));
    case "as_float":
      return constant(number(value));
    case "as_floats":
      return constant(list(value, "numbers").map(number));
    case "as_bool":
      return constant(boolean(value, "a boolean"));
    case "as_bools":
      return constant(list(value, "booleans").map((each) => boolean(each, "a boolean")));
    case "as_string":
      return constant(string(value, "a string"));
    case "as_strings":
      return constant(list(value, "strings").map((each) => string(each, "a string")));
    case "as_sym_int":
    case "as_sym_bool":
    case "as_sym_float":
      return symbol(value);
    case "as_sym_ints":
    case "as_sym_bools":
    case "as_sym_floats":
      return all(value, symbol);
    case "as_complex": {
      const parts = object(value, "a complex number");
      return constant({ re: float(own(parts, "real"), "real"), im: float(own(parts, "imag"), "imag") });
    }
    case "as_scalar_type":
      return constant(coded(DTYPES, value, "a dtype"));
    case "as_layout":
      return constant(coded(LAYOUTS, value, "a layout"));
    case "as_memory_format":
      return constant(coded(MEMORY_FORMATS, value, "a memory format"));
    case "as_device":
      return constant(device);
    case "as_graph": {
      const compiled = compile(value as Graph, device);
      return constant(compiled);
    }
    default:
      throw unsupported(`a program with an argument of the kind ${printable(kind)}`, "it has no counterpart here");
  }
}

/** A float keeps its type where an operator takes any number. */
function number(value: unknown): Float {
  return new Float(float(value, "a number"));
}

function compileNode(node: GraphNode, device: string, known: ReadonlySet<string>): Step {
  const { target } = node;
  const inputs = node.inputs.map(({ name, argument }) => ({ name, read: reader(argument, device, known) }));
  const readAll = (values: Values): unknown[] => inputs.map(({ read }) => read(values));
  const bind = binder(node);
  if (target.startsWith("torch.ops.higher_order.")) {
    const run = higherOrder(target, node);
    return { target, run: (values) => bind(values, run(readAll(values))) };
  }
  const python: PythonFunction | null = findFunction(target);
  if (python !== null)
    return {
      target,
      run: (values) =>
        bind(values, python(...readAll(values).map((value) => (value instanceof Float ? value.value : value)))),
    };
  const operator: AtenOperator = findOperator(target);
  for (const { name } of inputs)
    if (!operator.schema.arguments.some((argument) => argument.name === name))
      throw damaged(`a call of ${printable(target)} with the argument ${printable(name)}, which it does not have`);
  return {
    target,
    run: (values) =>
      bind(values, callOperator(operator, new Map(inputs.map(({ name, read }) => [name, read(values)])))),
  };
}

/** Gives the results of a node their names. */
function binder({ target, outputs }: GraphNode): (values: Values, result: unknown) => void {
  const wrongCount = (): Error => damaged(`a call of ${printable(target)} with other results than it gives`);
  const single = outputs.length === 1;
  return (values, result) => {
    for (const [index, output] of outputs.entries()) {
      const names = namesOf(output);
      const value = single ? result : (result as unknown[] | undefined)?.[index];
      if (output[0] === "as_tensors") {
        if (!Array.isArray(value) || value.length !== names.length) throw wrongCount();
        for (const [at, name] of names.entries()) values.set(name, value[at]);
      } else if (names.length > 0) {
        // a list of one result that is called by itself
        values.set(names[0]!, single && Array.isArray(value) && value.length === 1 ? value[0] : value);
      }
    }
  };
}

/** Operators that take graphs. */
function higherOrder(target: string, node: GraphNode): (args: readonly unknown[]) => unknown {
  const name = target.slice("torch.ops.higher_order.".length);
  if (name === "wrap_with_set_grad_enabled")
    return ([enabled, graph, ...rest]) =>
      setGradEnabled(enabled === true, () => runGraph(graph as Compiled, rest, node));
  if (name === "cond")
    return ([condition, yes, no, operands]) => {
      const isTrue = condition instanceof Tensor ? Boolean(condition.itemScalar()) : condition === true;
      return runGraph((isTrue ? yes : no) as Compiled, operands as unknown[], node);
    };
  throw unsupported(
    `a program that calls ${printable(target)}`,
    "of operators that take graphs, cond and wrap_with_set_grad_enabled are run",
  );
}

function runGraph(graph: Compiled, inputs: readonly unknown[], node: GraphNode): unknown {
  const names = graph.inputs.flatMap(namesOf);
  if (names.length !== inputs.length)
    throw damaged(`a graph in ${printable(node.target)} with other inputs than it is given`);
  return graph.run(new Map(names.map((name, index) => [name, inputs[index]])));
}
