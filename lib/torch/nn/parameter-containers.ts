import { refuseSurplus, show } from "../arguments";
import { DEEPCOPY, type CopyInside } from "../deepcopy";
import { TorchError } from "../errors";
import { Tensor } from "../tensor";
import { Module } from "./module";
import { Parameter } from "./parameter";

/** Parameters in a list; `list[0]`, `list.at(-1)`, `for (const weight of list)`. State-dict keys are `0`, `1`, … */
export class ParameterList extends Module implements Iterable<Parameter> {
  [index: number]: Parameter;
  #length = 0;

  /** @param values parameters; plain tensors become parameters. */
  constructor(values: Iterable<Tensor> = [], ...surplus: never[]) {
    super();
    refuseSurplus("ParameterList", surplus);
    this.extend(values);
  }

  /** Number of parameters. */
  get length(): number {
    return this.#length;
  }

  /** The parameter at `index`; negative counts from the end. @throws TorchError outside of the list. */
  at(index: number): Parameter {
    const parameter = this[index < 0 ? this.#length + index : index];
    if (parameter === undefined)
      throw new TorchError(
        `ParameterList: expected an index within the ${this.#length} parameters, got ${String(index)}`,
      );
    return parameter;
  }

  protected override emptyCopy(): this {
    const copy = Reflect.construct(ParameterList, [], this.constructor as new () => this) as this;
    copy.#length = this.#length;
    return copy;
  }

  /** Adds a parameter at the end. */
  append(value: Tensor): this {
    this[this.#length++] = asParameter("ParameterList", value);
    return this;
  }

  /** Adds parameters at the end. */
  extend(values: Iterable<Tensor>): this {
    if (typeof (values as Partial<Iterable<Tensor>> | null)?.[Symbol.iterator] !== "function")
      throw new TypeError(`ParameterList: expected an array of parameters, got ${show(values)}`);
    for (const value of values) this.append(value);
    return this;
  }

  *[Symbol.iterator](): IterableIterator<Parameter> {
    for (let index = 0; index < this.#length; index++) yield this.at(index);
  }

  forward(): never {
    throw new TorchError("ParameterList: expected a use of its parameters, got a call of the list");
  }

  protected override childrenRepr(): [label: string, text: string][] {
    return [...this].map((parameter, index) => [`(${index}): `, parameterRepr(parameter)]);
  }
}

/** Parameters by key, in insertion order. Keys are part of state-dict keys as they are, without a change of case. */
export class ParameterDict extends Module implements Iterable<[string, Parameter]> {
  readonly #parameters = new Map<string, Parameter>();

  /** @param values parameters by key; plain tensors become parameters. */
  constructor(
    values: Readonly<Record<string, Tensor>> | Iterable<readonly [string, Tensor]> = {},
    ...surplus: never[]
  ) {
    super();
    if (typeof values !== "object" || values === null)
      throw new TypeError(`ParameterDict: expected parameters by key, { key: parameter }, got ${show(values)}`);
    refuseSurplus("ParameterDict", surplus);
    for (const [key, value] of Symbol.iterator in values ? values : Object.entries(values)) this.set(key, value);
  }

  /** Number of parameters. */
  get size(): number {
    return this.#parameters.size;
  }

  has(key: string): boolean {
    return this.#parameters.has(key);
  }

  /** The parameter under `key`. @throws TorchError when there is none. */
  get(key: string): Parameter {
    const parameter = this.#parameters.get(key);
    if (parameter === undefined) {
      throw new TorchError(
        `ParameterDict: expected one of the keys ${[...this.#parameters.keys()].join(", ")}, got "${key}"`,
      );
    }
    return parameter;
  }

  set(key: string, value: Tensor): this {
    this.#parameters.set(key, asParameter("ParameterDict", value));
    return this;
  }

  delete(key: string): boolean {
    return this.#parameters.delete(key);
  }

  keys(): IterableIterator<string> {
    return this.#parameters.keys();
  }

  values(): IterableIterator<Parameter> {
    return this.#parameters.values();
  }

  [Symbol.iterator](): IterableIterator<[string, Parameter]> {
    return this.#parameters.entries();
  }

  forward(): never {
    throw new TorchError("ParameterDict: expected a use of its parameters, got a call of the dict");
  }

  protected override members(): [string, unknown][] {
    return [...this.#parameters];
  }

  protected override setMember(name: string, value: Tensor | Module | null): void {
    if (value === null) this.delete(name);
    else this.set(name, value as Parameter);
  }

  protected override emptyCopy(): this {
    return Reflect.construct(ParameterDict, [], this.constructor as new () => this) as this;
  }

  override [DEEPCOPY](copy: CopyInside, made: (copy: object) => void): this {
    const result = super[DEEPCOPY](copy, made);
    for (const [key, parameter] of this.#parameters) result.#parameters.set(key, copy(parameter, `.get("${key}")`));
    return result;
  }

  protected override childrenRepr(): [label: string, text: string][] {
    return [...this].map(([key, parameter]) => [`(${key}): `, parameterRepr(parameter)]);
  }
}

function asParameter(where: string, value: unknown): Parameter {
  if (value instanceof Parameter) return value;
  if (value instanceof Tensor) return new Parameter(value);
  throw new TypeError(`${where}: expected parameters or tensors, got ${show(value)}`);
}

/** `Parameter containing: [torch.float32 of size 2x3]`, as PyTorch prints them here. */
function parameterRepr(parameter: Parameter): string {
  return `Parameter containing: [torch.${parameter.dtype} of size ${parameter.shape.join("x")}]`;
}
