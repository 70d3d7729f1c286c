import { isPlainObject, show } from "../arguments";
import { noGrad } from "../autograd/recording";
import { TorchError } from "../errors";
import { Module } from "../nn/module";
import { Parameter } from "../nn/parameter";
import { keep, scope } from "../scope";
import { damaged, printable } from "../serialization/errors";
import { Tensor } from "../tensor";
import type { StoredTensor } from "./archive";
import { compile, DTYPES, type Compiled, namesOf, type Values } from "./interpreter";
import { object, own, union } from "./json";
import { Float } from "./operators";
import type { Argument, InputSpec, Program } from "./program";
import { countLeaves, flatten, unflatten } from "./tree-spec";

/** What is needed of a file: the program, and its tensors by name. */
export interface Loaded {
  readonly program: Program;
  readonly weights: ReadonlyMap<string, StoredTensor>;
  readonly constants: ReadonlyMap<string, StoredTensor>;
}

/**
 * A program of `torch.export`, run by ATen's operators. It is a {@link Module}: its parameters train, its state dict has the names of
 * Python, `to` moves its weights. Whether dropout and batch norm train was decided when it was exported: `train` and `eval` are refused.
 *
 * @example
 * const model = torch.export.load("model.pt2");
 * const y = model.forward(x);
 * const z = model.call([x], { alpha: 0.5 }); // arguments by the names that they have in Python
 */
export class ExportedModule extends Module {
  readonly #program: Program;
  readonly #graph: Compiled;
  readonly #members = new Map<string, Parameter | Tensor>();
  readonly #buffers = new Map<string, boolean>();
  readonly #constants = new Map<string, Tensor>();
  /** How many arguments are given by position. */
  readonly #positional: number;

  /** @internal Use `load`. */
  constructor({ program, weights, constants }: Loaded, device: string) {
    super();
    this.#program = program;
    this.#graph = compile(program.graph, device);
    const { inSpec } = program;
    const args = inSpec.kind === "list" ? inSpec.entries[0] : undefined;
    if (
      inSpec.kind !== "list" ||
      inSpec.entries.length !== 2 ||
      args?.kind !== "list" ||
      inSpec.entries[1]!.kind === "list"
    )
      throw damaged("a program that does not say what its arguments are");
    this.#positional = args.entries.length;
    const users = program.inputs.filter(({ kind }) => kind === "user" || kind === "constant").length;
    const results = program.outputs.filter(({ kind }) => kind === "user").length;
    if (countLeaves(inSpec) !== users || countLeaves(program.outSpec) !== results)
      throw damaged("a program whose arguments or results do not go with its graph");
    for (const input of program.inputs)
      if (input.kind !== "user" && input.kind !== "constant") this.#take(input, weights, constants);
  }

  #take(
    input: Extract<InputSpec, { target: string }>,
    weights: ReadonlyMap<string, StoredTensor>,
    constants: ReadonlyMap<string, StoredTensor>,
  ): void {
    const { kind, target, persistent } = input;
    const stored = weights.get(target) ?? constants.get(target);
    if (stored === undefined) throw damaged(`an archive without the ${kind} ${printable(target)}`);
    if (kind === "parameter") {
      if (!this.#members.has(target))
        this.#members.set(target, new Parameter(stored.tensor, { requiresGrad: stored.requiresGrad }));
    } else if (kind === "buffer") {
      this.#members.set(target, keep(stored.tensor));
      this.#buffers.set(target, persistent);
    } else {
      this.#constants.set(target, keep(stored.tensor));
    }
  }

  protected override members(): [name: string, value: unknown][] {
    return [...this.#members];
  }

  protected override bufferNames(): ReadonlyMap<string, boolean> {
    return this.#buffers;
  }

  /** Names of the arguments in Python, where the file has them. */
  get argumentNames(): readonly string[] | null {
    return this.#program.argumentNames;
  }

  /** Version of PyTorch that exported the program. */
  get torchVersion(): string {
    return this.#program.torchVersion;
  }

  /** The operators that the program calls, in their order. */
  get operators(): readonly string[] {
    return this.#program.graph.nodes.map(({ target }) => target);
  }

  /** Runs the program on arguments by position. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- what it returns is known by the file only
  override forward(...inputs: any[]): any {
    return this.call(inputs);
  }

  /**
   * Runs the program.
   *
   * @param inputs by position, nested as in Python: tensors, numbers, lists, objects for dicts
   * @param named further ones by the names that they have in Python
   * @returns what the model returned: tuples and lists are arrays, dicts and named tuples objects
   * @throws TypeError for arguments that the program was not exported for
   */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- what it returns is known by the file only
  call(inputs: readonly unknown[], named: Readonly<Record<string, unknown>> = {}): any {
    if (!Array.isArray(inputs)) throw new TypeError(`call: expected a list of arguments, got ${show(inputs)}`);
    if (!isPlainObject(named)) throw new TypeError(`call: expected arguments by name, got ${show(named)}`);
    const leaves = this.#leaves(inputs, named);
    return scope(() => {
      const values: Values = new Map();
      this.#bind(leaves, values);
      return this.#settle(this.#graph.run(values), values);
    });
  }

  /** The arguments' leaves in the order of the program. Arguments by position may be given by name, too. */
  #leaves(inputs: readonly unknown[], named: Readonly<Record<string, unknown>>): unknown[] {
    const names = this.#program.argumentNames ?? [];
    const positional = [...inputs];
    const rest: Record<string, unknown> = { ...named };
    while (positional.length < this.#positional && names[positional.length] !== undefined) {
      const name = names[positional.length]!;
      if (!Object.hasOwn(rest, name)) break;
      positional.push(rest[name]);
      delete rest[name];
    }
    if (positional.length !== this.#positional)
      throw new TypeError(
        `expected ${this.#positional} arguments${names.length > 0 ? ` (${names.slice(0, this.#positional).join(", ")})` : ""}, got ${inputs.length}`,
      );
    return flatten(this.#program.inSpec, [positional, rest], "the arguments");
  }

  /** Gives the inputs of the graph their names. */
  #bind(leaves: readonly unknown[], values: Values): void {
    let next = 0;
    const symbols = new Map<string, number>();
    for (const [index, input] of this.#program.inputs.entries()) {
      const [name] = namesOf(this.#program.graph.inputs[index]!);
      if (input.kind === "user") {
        const leaf = leaves[next++];
        const read = this.#userInput(input.argument, leaf, symbols);
        if (name !== undefined) values.set(name, read);
      } else if (input.kind === "constant") {
        checkConstant(input.name, input.value, leaves[next++]);
      } else if (name !== undefined) {
        values.set(name, this.#members.get(input.target) ?? this.#constants.get(input.target));
      }
    }
  }

  #userInput([kind, content]: Argument, leaf: unknown, symbols: Map<string, number>): unknown {
    if (kind === "as_tensor") {
      const name = namesOf([kind, content])[0]!;
      if (!(leaf instanceof Tensor)) throw new TypeError(`expected a tensor for ${name}, got ${show(leaf)}`);
      this.#checkTensor(name, leaf, symbols);
      return leaf;
    }
    if (kind === "as_none") {
      if (leaf !== null && leaf !== undefined) throw new TypeError(`expected null, got ${show(leaf)}`);
      return null;
    }
    if (typeof leaf !== "number" && typeof leaf !== "bigint" && typeof leaf !== "boolean" && typeof leaf !== "string")
      throw new TypeError(`expected ${kind.replace(/^as_(sym_)?/, "a value of the type ")}, got ${show(leaf)}`);
    return kind === "as_sym_float" || kind === "as_float" ? new Float(Number(leaf)) : leaf;
  }

  /** Shapes and dtypes are those of the export, but for sizes that it left open. */
  #checkTensor(name: string, tensor: Tensor, symbols: Map<string, number>): void {
    const meta = own(this.#program.graph.tensors, name);
    if (meta === undefined) return;
    const known = object(meta, name);
    const code = own(known, "dtype");
    const dtype = typeof code === "number" ? DTYPES[code] : undefined;
    if (dtype !== undefined && tensor.dtype !== dtype)
      throw new TypeError(`expected ${dtype} for ${name}, got ${tensor.dtype}`);
    const sizes = own(known, "sizes");
    if (!Array.isArray(sizes)) return;
    const wanted = sizes.map((each: unknown) => {
      const [form, value] = union(each, "a size");
      return form === "as_int" ? Number(value) : symbolOf(String(own(object(value, "a size"), "expr_str")));
    });
    const shown = `[${wanted.join(", ")}]`;
    if (wanted.length !== tensor.ndim)
      throw new TypeError(`expected shape ${shown} for ${name}, got [${tensor.shape.join(", ")}]`);
    for (const [dim, size] of tensor.shape.entries()) {
      const expected = wanted[dim]!;
      const fits = typeof expected === "number" ? expected === size : this.#fitsSymbol(expected, size, symbols);
      if (!fits)
        throw new TypeError(
          `expected shape ${shown} for ${name}, got [${tensor.shape.join(", ")}]: the program was exported for size ${this.#range(expected)} in dimension ${dim}`,
        );
    }
  }

  #range(expected: number | string): string {
    const range = typeof expected === "string" ? this.#program.ranges.get(expected) : undefined;
    return range === undefined ? String(expected) : `${expected} between ${range[0]} and ${range[1]}`;
  }

  /** The same size wherever the same symbol stands; what is more than a symbol is left to the program. */
  #fitsSymbol(symbol: string, size: number, symbols: Map<string, number>): boolean {
    if (!/^\w+$/.test(symbol)) return true;
    const range = this.#program.ranges.get(symbol);
    if (range !== undefined && (size < range[0] || size > range[1])) return false;
    const before = symbols.get(symbol);
    symbols.set(symbol, size);
    return before === undefined || before === size;
  }

  /** Writes what the program changed, and nests its results. */
  #settle(outputs: readonly unknown[], values: Values): unknown {
    const results: unknown[] = [];
    for (const [index, output] of this.#program.outputs.entries()) {
      const value = outputs[index];
      if (output.kind === "user") {
        results.push(value instanceof Float ? value.value : value);
        continue;
      }
      const target = output.of === "state" ? this.#members.get(output.target) : values.get(output.target);
      if (!(target instanceof Tensor) || !(value instanceof Tensor))
        throw new TorchError(`expected a tensor to write ${output.target} with, got ${show(value)}`);
      noGrad(() => target.copy_(value));
    }
    return unflatten(this.#program.outSpec, results);
  }

  /** Refused: the program does what it did when it was exported. */
  override train(): this {
    throw new TorchError(
      "train: an exported program does what it did when it was exported: export the model in training mode for one that trains",
    );
  }

  /** Refused, as {@link train}. */
  override eval(): this {
    throw new TorchError(
      "eval: an exported program does what it did when it was exported: export the model after model.eval() for one that predicts",
    );
  }

  protected override extraRepr(): string {
    return `torch=${this.#program.torchVersion}, operators=${this.#program.graph.nodes.length}`;
  }
}

/** The name of a symbol, which SymPy writes as `Symbol('s52', positive=True, integer=True)`; other expressions as they are. */
function symbolOf(expression: string): string {
  return /^Symbol\('(\w+)'[^()]*\)$/.exec(expression)?.[1] ?? expression;
}

/** A value that the program was exported with, and has in its operators. */
function checkConstant(name: string, [kind, value]: Argument, given: unknown): void {
  const expected = kind === "as_none" ? null : value;
  const same =
    expected === null
      ? given === null || given === undefined
      : Object.is(typeof given === "bigint" ? Number(given) : given, expected);
  if (!same)
    throw new TypeError(
      `expected ${show(expected)} for ${name}, the value that the program was exported with, got ${show(given)}`,
    );
}
