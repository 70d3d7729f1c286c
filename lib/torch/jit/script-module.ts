import { dirname } from "node:path";
import { closeSync, fsyncSync, openSync, renameSync } from "node:fs";
import { temporaryPath, removeDeadTemporaries, tryRemove } from "../../io/files/temporary";
import { native } from "../addon";
import { checkArgument, limitArguments, text } from "../arguments";
import { guard } from "../errors";
import type { ScriptInfo, ScriptTensor } from "../native";
import { Module } from "../nn/module";
import { Parameter } from "../nn/parameter";
import { registerFinalizer } from "../scope";
import { resolveTarget } from "../serialization/atomic";
import { Tensor } from "../tensor";
import { decode, encode, type ScriptInput, type ScriptResult } from "./values";

/** Ends modules that JavaScript no longer holds. */
const ended = new FinalizationRegistry<number>((id) => native.scriptFree(id));

/** Tensors of one loaded file by their identity: weights that are tied are one object. */
type Known = Map<number, Tensor>;

/**
 * A module of a TorchScript file: `torch.jit.ScriptModule`. It is a {@link Module} like any other: its parameters train, its state
 * dict has the names of Python, it can be a child, and `to`, `eval`, `train` and hooks do what they do. Its methods run in libtorch.
 *
 * @example
 * const model = torch.jit.load("model.ts").eval();
 * const y = torch.noGrad(() => model.forward(x));
 * const scores = model.call("score", [x], { topK: 3 });
 */
export class ScriptModule extends Module {
  readonly #id: number;
  readonly #info: ScriptInfo;
  readonly #members: [string, Parameter | Tensor | ScriptModule][];

  /** @internal Use {@link load}. */
  private constructor(id: number, known: Known) {
    super();
    this.#id = id;
    ended.register(this, id);
    // of the module in the addon, which code of the script reads
    Object.defineProperty(this, "training", {
      get: () => native.scriptTraining(id),
      set: (training: boolean) => native.scriptSetTraining(id, training),
      enumerable: true,
    });
    this.#info = guard("ScriptModule", () => native.scriptInfo(id));
    const { parameters, buffers, children } = this.#info;
    this.#members = [
      ...parameters.map(named((given) => tensorOf(given, known, () => Parameter.around(given.handle)))),
      ...buffers.map(named((given) => tensorOf(given, known, () => outsideScopes(given.handle)))),
      ...children.map(named(({ id: child }) => new ScriptModule(child, known))),
    ];
  }

  /** @internal */
  static of(id: number): ScriptModule {
    return new ScriptModule(id, new Map());
  }

  protected override members(): [name: string, value: unknown][] {
    return [...this.#members];
  }

  protected override bufferNames(): ReadonlyMap<string, boolean> {
    return new Map(this.#info.buffers.map(({ name }) => [name, true]));
  }

  /** Name of the class in Python. */
  get originalName(): string {
    return this.#info.type;
  }

  /** The methods that can be called, with their schemas: `forward(__torch__.Net self, Tensor x) -> Tensor`. */
  get methods(): ReadonlyMap<string, string> {
    return new Map(this.#info.methods.map(({ name, schema }) => [name, schema]));
  }

  /** Runs `forward`. Inputs and results: {@link ScriptInput}, {@link ScriptResult}. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- what it returns is known by the file only
  override forward(...inputs: any[]): any {
    return this.call("forward", inputs as ScriptInput[]);
  }

  /**
   * Runs a method.
   *
   * @param named inputs by the names that they have in Python
   * @throws TorchError for inputs that its schema does not take, and for what the code itself throws
   */
  call(
    method: string,
    inputs: readonly ScriptInput[] = [],
    named: Readonly<Record<string, ScriptInput>> = {},
  ): ScriptResult {
    checkArgument("call", "method", method, text);
    const given = inputs.map((input, index) => encode(input, `inputs[${index}]`));
    const byName = Object.entries(named).map(([name, input]) => [name, encode(input, name)] as const);
    return guard(`${this.originalName}.${method}`, () => decode(native.scriptRun(this.#id, method, given, byName)));
  }

  /**
   * The value of an attribute: a number, a string, a list, …
   *
   * @throws TorchError when there is none
   */
  attribute(name: string): ScriptResult {
    checkArgument("attribute", "name", name, text);
    return guard(`${this.originalName}.attribute`, () => decode(native.scriptAttribute(this.#id, name)));
  }

  /** Writes code and weights to a file that `torch.jit.load` reads. It appears under its name when it is complete. */
  save(path: string): void {
    const target = resolveTarget(path);
    removeDeadTemporaries(dirname(target));
    const temporary = temporaryPath(target);
    try {
      guard("save", () => native.scriptSave(this.#id, temporary));
      syncFile(temporary);
      renameSync(temporary, target);
    } finally {
      tryRemove(temporary);
    }
  }

  protected override extraRepr(): string {
    return `original_name=${this.originalName}`;
  }
}

limitArguments(ScriptModule.prototype, { call: 3, attribute: 1, save: 1 });

function named<T extends { readonly name: string }, R>(make: (given: T) => R): (given: T) => [string, R] {
  return (given) => [given.name, make(given)];
}

function tensorOf({ identity, handle }: ScriptTensor, known: Known, make: () => Tensor): Tensor {
  const before = known.get(identity);
  if (before !== undefined) {
    native.free(handle);
    return before;
  }
  const tensor = make();
  known.set(identity, tensor);
  return tensor;
}

function outsideScopes(handle: number): Tensor {
  const tensor = new Tensor(handle);
  registerFinalizer(tensor);
  return tensor;
}

function syncFile(path: string): void {
  const file = openSync(path, "r+");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
