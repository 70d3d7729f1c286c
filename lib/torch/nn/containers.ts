import { refuseSurplus, show } from "../arguments";
import { DEEPCOPY, type CopyInside } from "../deepcopy";
import { TorchError } from "../errors";
import type { Tensor } from "../tensor";
import { Module } from "./module";

/** A module from one tensor to one tensor. */
export interface Layer extends Module {
  forward(input: Tensor): Tensor;
}

/** @internal Children under the keys "0", "1", …: JavaScript keeps integer keys in ascending order, as state dicts need them. */
export abstract class IndexedModules<T extends Module> extends Module implements Iterable<T> {
  [index: number]: T;
  #length = 0;

  constructor(modules: Iterable<T>, surplus: readonly unknown[]) {
    super();
    this.extend(modules);
    refuseSurplus(this.constructor.name, surplus);
  }

  /** Number of children. */
  get length(): number {
    return this.#length;
  }

  /** The child at `index`; negative counts from the end. @throws TorchError outside of the list. */
  at(index: number): T {
    const child = this[index < 0 ? this.#length + index : index];
    if (child === undefined)
      throw new TorchError(
        `${this.constructor.name}: expected an index within the ${this.#length} modules, got ${index}`,
      );
    return child;
  }

  protected override emptyCopy(): this {
    const copy = Reflect.construct(IndexedModules, [[], []], this.constructor as new () => this) as this;
    copy.#length = this.#length;
    return copy;
  }

  /** Adds a child at the end. */
  append(module: T): this {
    checkModule(this.constructor.name, module);
    this[this.#length++] = module;
    return this;
  }

  /** Adds children at the end. */
  extend(modules: Iterable<T>): this {
    if (typeof (modules as Partial<Iterable<T>> | null)?.[Symbol.iterator] !== "function")
      throw new TypeError(`${this.constructor.name}: expected an array of modules, got ${show(modules)}`);
    for (const module of modules) this.append(module);
    return this;
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (let i = 0; i < this.#length; i++) yield this.at(i);
  }

  /** Applies `fn` to every child, in order. */
  map<R>(fn: (module: T, index: number) => R): R[] {
    return [...this].map(fn);
  }
}

/** A list of modules; `list[0]`, `list.at(-1)`, `for (const block of list)`. State-dict keys are `0.…`, `1.…`. */
export class ModuleList<T extends Module = Module> extends IndexedModules<T> {
  constructor(modules: Iterable<T> = [], ...surplus: never[]) {
    super(modules, surplus);
  }

  forward(): never {
    throw new TorchError(
      "ModuleList: expected a call of its modules, got a call of the list (use Sequential to chain them)",
    );
  }

  /** Equal neighbours are printed once: `(0-11): 12 x Block(…)`. */
  protected override childrenRepr(): [label: string, text: string][] {
    const runs: { first: number; last: number; text: string }[] = [];
    for (const [index, text] of this.map(String).entries()) {
      const run = runs.at(-1);
      if (run?.text === text) run.last = index;
      else runs.push({ first: index, last: index, text });
    }
    return runs.map(({ first, last, text }) =>
      first === last ? [`(${first}): `, text] : [`(${first}-${last}): `, `${last - first + 1} x ${text}`],
    );
  }
}

/** Modules in a row: each gets what the one before returned. State-dict keys are `0.…`, `1.…`. */
export class Sequential extends IndexedModules<Layer> {
  constructor(...modules: Layer[]) {
    super(modules, []);
  }

  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("Sequential.forward", surplus);
    let output = input;
    for (let i = 0; i < this.length; i++) output = this.at(i).forward(output);
    return output;
  }
}

/** Modules by key, in insertion order. Keys are part of state-dict keys as they are, without a change of case. */
export class ModuleDict<T extends Module = Module> extends Module implements Iterable<[string, T]> {
  readonly #modules: Map<string, T>;

  constructor(modules: Readonly<Record<string, T>> | Iterable<readonly [string, T]> = {}, ...surplus: never[]) {
    super();
    if (typeof modules !== "object" || modules === null)
      throw new TypeError(`ModuleDict: expected modules by key, { key: module }, got ${show(modules)}`);
    refuseSurplus("ModuleDict", surplus);
    this.#modules = new Map(Symbol.iterator in modules ? modules : Object.entries(modules));
    for (const module of this.#modules.values()) checkModule("ModuleDict", module);
  }

  /** Number of modules. */
  get size(): number {
    return this.#modules.size;
  }

  has(key: string): boolean {
    return this.#modules.has(key);
  }

  /** The module under `key`. @throws TorchError when there is none. */
  get(key: string): T {
    const module = this.#modules.get(key);
    if (module === undefined) {
      throw new TorchError(
        `ModuleDict: expected one of the keys ${[...this.#modules.keys()].join(", ")}, got "${key}"`,
      );
    }
    return module;
  }

  set(key: string, module: T): this {
    checkModule("ModuleDict", module);
    this.#modules.set(key, module);
    return this;
  }

  delete(key: string): boolean {
    return this.#modules.delete(key);
  }

  keys(): IterableIterator<string> {
    return this.#modules.keys();
  }

  values(): IterableIterator<T> {
    return this.#modules.values();
  }

  entries(): IterableIterator<[string, T]> {
    return this.#modules.entries();
  }

  [Symbol.iterator](): IterableIterator<[string, T]> {
    return this.entries();
  }

  forward(): never {
    throw new TorchError("ModuleDict: expected a call of its modules, got a call of the dict");
  }

  protected override members(): [string, unknown][] {
    return [...this.#modules];
  }

  protected override setMember(name: string, value: T | null): void {
    if (value === null) this.delete(name);
    else this.set(name, value);
  }

  protected override emptyCopy(): this {
    return Reflect.construct(ModuleDict, [], this.constructor as new () => this) as this;
  }

  override [DEEPCOPY](copy: CopyInside, made: (copy: object) => void): this {
    const result = super[DEEPCOPY](copy, made);
    for (const [key, module] of this.#modules) result.#modules.set(key, copy(module, `.get("${key}")`));
    return result;
  }
}

function checkModule(where: string, module: unknown): void {
  if (module instanceof Module) return;
  const hint = Array.isArray(module) && where === "Sequential" ? ": spread it, new Sequential(...list)" : "";
  throw new TypeError(`${where}: expected modules, got ${Array.isArray(module) ? "an array" : show(module)}${hint}`);
}
