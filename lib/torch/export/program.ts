/** An exported program as its JSON describes it (`torch/_export/serde/schema.py`, version 8). */
import { damaged, printable, unsupported } from "../serialization/errors";
import { boolean, list, object, own, parseJson, string, union, type JsonObject } from "./json";
import { parseTreeSpec, type TreeSpec } from "./tree-spec";

/** An argument or a result: its kind (`as_tensor`, `as_ints`, …) and what the file has for it. */
export type Argument = readonly [kind: string, value: unknown];

/** A call of an operator. */
export interface GraphNode {
  /** `torch.ops.aten.add.Tensor` */
  readonly target: string;
  readonly inputs: readonly { readonly name: string; readonly argument: Argument; readonly keyword: boolean }[];
  readonly outputs: readonly Argument[];
}

/** Calls in their order. */
export interface Graph {
  readonly inputs: readonly Argument[];
  readonly outputs: readonly Argument[];
  readonly nodes: readonly GraphNode[];
  /** What tensors were at the time of the export, by name. */
  readonly tensors: JsonObject;
  readonly returnsSingleTensor: boolean;
}

/** What an input of the graph is. */
export type InputSpec =
  | { readonly kind: "user"; readonly argument: Argument }
  | { readonly kind: "constant"; readonly name: string; readonly value: Argument }
  | {
      readonly kind: "parameter" | "buffer" | "tensor";
      readonly name: string;
      readonly target: string;
      readonly persistent: boolean;
    };

/** What an output of the graph is: a result, or a new value of a buffer, parameter or input. */
export type OutputSpec =
  | { readonly kind: "user"; readonly argument: Argument }
  | { readonly kind: "mutation"; readonly of: "state" | "input"; readonly target: string; readonly argument: Argument };

/** A program: its graph, and what its inputs and outputs are. */
export interface Program {
  readonly graph: Graph;
  readonly inputs: readonly InputSpec[];
  readonly outputs: readonly OutputSpec[];
  readonly inSpec: TreeSpec;
  readonly outSpec: TreeSpec;
  /** Names of the arguments of `forward`, where the file has them. */
  readonly argumentNames: readonly string[] | null;
  /** The least and the largest value of each symbol of a shape. */
  readonly ranges: ReadonlyMap<string, readonly [least: number, largest: number]>;
  readonly torchVersion: string;
}

const MAX_DEPTH = 32;

/**
 * Reads a program.
 *
 * @throws CheckpointError for a file that is broken, or of a version that is not known
 */
export function parseProgram(name: string, text: string): Program {
  const root = object(parseJson(name, text), name);
  const version = object(own(root, "schema_version"), "schema_version");
  const torchVersion = String(own(root, "torch_version") ?? "unknown");
  if (own(version, "major") !== 8)
    throw unsupported(
      `a program of schema version ${printable(JSON.stringify(own(version, "major")) ?? "none")} (torch ${printable(torchVersion)})`,
      "export it again with PyTorch 2.8 or later",
    );
  const module = object(own(root, "graph_module"), "graph_module");
  const signature = object(own(module, "signature"), "signature");
  const graph = parseGraph(own(module, "graph"), 0);
  const inputs = list(own(signature, "input_specs"), "input_specs").map(inputSpec);
  const outputs = list(own(signature, "output_specs"), "output_specs").map(outputSpec);
  if (inputs.length !== graph.inputs.length || outputs.length !== graph.outputs.length)
    throw damaged("a program whose signature does not go with its graph");
  const call = callSignature(module);
  const fields = namedTuples(module);
  return {
    graph,
    inputs,
    outputs,
    inSpec: parseTreeSpec(string(own(call, "in_spec"), "in_spec"), fields),
    outSpec: parseTreeSpec(string(own(call, "out_spec"), "out_spec"), fields),
    argumentNames: names(own(call, "forward_arg_names")),
    ranges: rangesOf(own(root, "range_constraints")),
    torchVersion,
  };
}

/** How the program itself is called: the entry without a name. */
function callSignature(module: JsonObject): JsonObject {
  for (const entry of list(own(module, "module_call_graph"), "module_call_graph")) {
    const call = object(entry, "module_call_graph");
    if (own(call, "fqn") === "") return object(own(call, "signature"), "the signature of the program");
  }
  throw damaged("a program that does not say how it is called");
}

function namedTuples(module: JsonObject): Map<string, readonly string[]> {
  const fields = new Map<string, readonly string[]>();
  for (const [name, definition] of Object.entries(
    object(own(module, "treespec_namedtuple_fields") ?? {}, "named tuples"),
  ))
    fields.set(name, names(own(object(definition, name), "field_names")) ?? []);
  return fields;
}

function names(value: unknown): readonly string[] | null {
  return value === undefined || value === null ? null : list(value, "names").map((name) => string(name, "a name"));
}

function rangesOf(value: unknown): Map<string, readonly [number, number]> {
  const ranges = new Map<string, readonly [number, number]>();
  for (const [symbol, range] of Object.entries(object(value ?? {}, "range_constraints"))) {
    const { min_val: least, max_val: largest } = object(range, symbol);
    ranges.set(symbol, [
      typeof least === "number" ? least : -Infinity,
      typeof largest === "number" ? largest : Infinity,
    ]);
  }
  return ranges;
}

/** A graph, also one that stands in an argument. */
export function parseGraph(value: unknown, depth: number): Graph {
  if (depth > MAX_DEPTH) throw damaged("graphs that are nested too deep");
  const graph = object(value, "graph");
  return {
    inputs: list(own(graph, "inputs"), "inputs of a graph").map((each) => argument(each, depth)),
    outputs: list(own(graph, "outputs"), "outputs of a graph").map((each) => argument(each, depth)),
    nodes: list(own(graph, "nodes"), "nodes").map((node) => parseNode(object(node, "node"), depth)),
    tensors: object(own(graph, "tensor_values") ?? {}, "tensor_values"),
    returnsSingleTensor: own(graph, "is_single_tensor_return") === true,
  };
}

function parseNode(node: JsonObject, depth: number): GraphNode {
  return {
    target: string(own(node, "target"), "the target of a node"),
    inputs: list(own(node, "inputs"), "inputs of a node").map((each) => {
      const input = object(each, "an input of a node");
      return {
        name: string(own(input, "name"), "the name of an input"),
        argument: argument(own(input, "arg"), depth),
        keyword: own(input, "kind") === 2,
      };
    }),
    outputs: list(own(node, "outputs"), "outputs of a node").map((each) => argument(each, depth)),
  };
}

function argument(value: unknown, depth: number): Argument {
  const [kind, content] = union(value, "an argument");
  if (kind !== "as_graph") return [kind, content];
  const graph = object(content, "a graph in an argument");
  return [kind, parseGraph(own(graph, "graph"), depth + 1)];
}

function inputSpec(value: unknown): InputSpec {
  const [kind, content] = union(value, "an input");
  const spec = object(content, "an input");
  const nameOf = (): string => string(own(object(own(spec, "arg"), "an input"), "name"), "the name of an input");
  switch (kind) {
    case "user_input":
      return { kind: "user", argument: argument(own(spec, "arg"), 0) };
    case "constant_input":
      return {
        kind: "constant",
        name: string(own(spec, "name"), "a constant"),
        value: argument(own(spec, "value"), 0),
      };
    case "parameter":
      return { kind, name: nameOf(), target: string(own(spec, "parameter_name"), "a parameter"), persistent: true };
    case "buffer":
      return {
        kind,
        name: nameOf(),
        target: string(own(spec, "buffer_name"), "a buffer"),
        persistent: boolean(own(spec, "persistent") ?? true, "persistent"),
      };
    case "tensor_constant":
      return {
        kind: "tensor",
        name: nameOf(),
        target: string(own(spec, "tensor_constant_name"), "a constant"),
        persistent: false,
      };
    default:
      throw unsupported(
        `a program with an input of the kind ${printable(kind)}`,
        kind === "custom_obj" ? "objects of custom C++ classes are not loaded" : "effects beside tensors are not run",
      );
  }
}

function outputSpec(value: unknown): OutputSpec {
  const [kind, content] = union(value, "an output");
  const spec = object(content, "an output");
  const tensor = (): Argument => ["as_tensor", own(spec, "arg")];
  switch (kind) {
    case "user_output":
      return { kind: "user", argument: argument(own(spec, "arg"), 0) };
    case "loss_output":
      return { kind: "user", argument: tensor() };
    case "buffer_mutation":
      return {
        kind: "mutation",
        of: "state",
        target: string(own(spec, "buffer_name"), "a buffer"),
        argument: tensor(),
      };
    case "parameter_mutation":
      return {
        kind: "mutation",
        of: "state",
        target: string(own(spec, "parameter_name"), "a parameter"),
        argument: tensor(),
      };
    case "user_input_mutation":
      return {
        kind: "mutation",
        of: "input",
        target: string(own(spec, "user_input_name"), "an input"),
        argument: tensor(),
      };
    default:
      throw unsupported(
        `a program with an output of the kind ${printable(kind)}`,
        "export the model itself: gradients are taken here, by backward()",
      );
  }
}
