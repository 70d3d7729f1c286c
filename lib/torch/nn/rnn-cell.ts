/** Single steps of recurrent networks. */
import { checkArgument, checkOptions, count, flag, oneOf, positive, refuseSurplus, type KindsOf } from "../arguments";
import { TorchError } from "../errors";
import { gruCell, lstmCell, rnnReluCell, rnnTanhCell, zeros } from "../operators.generated";
import type { Tensor } from "../tensor";
import { type FactoryOptions, emptyParameter, factoryKinds } from "./factory";
import * as init from "./init";
import { Module } from "./module";
import type { Parameter } from "./parameter";

/** Options of the cells. */
export interface RNNCellOptions extends FactoryOptions {
  /** Add learned offsets (default true). */
  bias?: boolean;
}
const OPTIONS = { bias: flag, ...factoryKinds } satisfies KindsOf<RNNCellOptions>;

/** What cells have in common. All weights start uniform on ±1/√hiddenSize. */
abstract class RNNCellBase extends Module {
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly bias: boolean;
  /** (gates · hiddenSize, inputSize) */
  weightIh: Parameter;
  /** (gates · hiddenSize, hiddenSize) */
  weightHh: Parameter;
  /** (gates · hiddenSize), or null. */
  biasIh: Parameter | null;
  /** (gates · hiddenSize), or null. */
  biasHh: Parameter | null;

  constructor(
    gates: number,
    inputSize: number,
    hiddenSize: number,
    options: RNNCellOptions,
    kinds: object,
    surplus: readonly unknown[],
  ) {
    super();
    const name = this.constructor.name;
    checkArgument(name, "inputSize", inputSize, count);
    checkArgument(name, "hiddenSize", hiddenSize, positive);
    checkOptions(name, options, { ...OPTIONS, ...kinds }, surplus);
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
    this.bias = options.bias ?? true;
    this.weightIh = emptyParameter([gates * hiddenSize, inputSize], options);
    this.weightHh = emptyParameter([gates * hiddenSize, hiddenSize], options);
    this.biasIh = this.bias ? emptyParameter([gates * hiddenSize], options) : null;
    this.biasHh = this.bias ? emptyParameter([gates * hiddenSize], options) : null;
    this.resetParameters();
  }

  /** Draws all weights uniform on ±1/√hiddenSize. */
  resetParameters(): void {
    const bound = 1 / Math.sqrt(this.hiddenSize);
    for (const parameter of this.parameters()) init.uniform_(parameter, -bound, bound);
  }

  /** The step on a batch; an input without one gets it for the call. */
  protected step(
    input: Tensor,
    states: readonly Tensor[] | null,
    count: number,
    cell: (x: Tensor, states: Tensor[]) => Tensor[],
  ): Tensor[] {
    const where = `${this.constructor.name}.forward`;
    if (input.ndim !== 1 && input.ndim !== 2)
      throw new TorchError(`${where}: expected an input of 1 or 2 dimensions, got shape [${input.shape.join(", ")}]`);
    const batched = input.ndim === 2;
    for (const state of states ?? [])
      if (state.ndim !== input.ndim)
        throw new TorchError(
          `${where}: expected states with as many dimensions as the input, ${input.ndim}, got shape [${state.shape.join(", ")}]`,
        );
    const x = batched ? input : input.unsqueeze(0);
    const first =
      states?.map((state) => (batched ? state : state.unsqueeze(0))) ??
      Array.from({ length: count }, () =>
        zeros([x.size(0), this.hiddenSize], { dtype: input.dtype, device: input.device }),
      );
    const next = cell(x, first);
    return batched ? next : next.map((state) => state.squeeze(0));
  }

  protected override extraRepr(): string {
    return `${this.inputSize}, ${this.hiddenSize}${this.bias ? "" : ", bias=False"}`;
  }
}

/** h' = tanh(W·x + b + U·h + c), or max(0, …): (N, inputSize), (N, hiddenSize) → (N, hiddenSize). */
export class RNNCell extends RNNCellBase {
  readonly nonlinearity: "tanh" | "relu";

  constructor(
    inputSize: number,
    hiddenSize: number,
    options: RNNCellOptions & { nonlinearity?: "tanh" | "relu" } = {},
    ...surplus: never[]
  ) {
    super(1, inputSize, hiddenSize, options, { nonlinearity: oneOf("tanh", "relu") }, surplus);
    this.nonlinearity = options.nonlinearity ?? "tanh";
  }

  /** @param hx the state; default zeros. */
  forward(input: Tensor, hx: Tensor | null = null, ...surplus: never[]): Tensor {
    refuseSurplus("RNNCell.forward", surplus);
    const cell = this.nonlinearity === "tanh" ? rnnTanhCell : rnnReluCell;
    const { weightIh, weightHh, biasIh, biasHh } = this;
    return this.step(input, hx && [hx], 1, (x, [h]) => [cell(x, h!, weightIh, weightHh, biasIh, biasHh)])[0]!;
  }

  protected override extraRepr(): string {
    return super.extraRepr() + (this.nonlinearity === "tanh" ? "" : `, nonlinearity=${this.nonlinearity}`);
  }
}

/** One step of gated recurrent units: (N, inputSize), (N, hiddenSize) → (N, hiddenSize). */
export class GRUCell extends RNNCellBase {
  constructor(inputSize: number, hiddenSize: number, options: RNNCellOptions = {}, ...surplus: never[]) {
    super(3, inputSize, hiddenSize, options, {}, surplus);
  }

  /** @param hx the state; default zeros. */
  forward(input: Tensor, hx: Tensor | null = null, ...surplus: never[]): Tensor {
    refuseSurplus("GRUCell.forward", surplus);
    const { weightIh, weightHh, biasIh, biasHh } = this;
    return this.step(input, hx && [hx], 1, (x, [h]) => [gruCell(x, h!, weightIh, weightHh, biasIh, biasHh)])[0]!;
  }
}

/** One step of long short-term memory: (N, inputSize), [h, c] (N, hiddenSize) each → [h', c']. */
export class LSTMCell extends RNNCellBase {
  constructor(inputSize: number, hiddenSize: number, options: RNNCellOptions = {}, ...surplus: never[]) {
    super(4, inputSize, hiddenSize, options, {}, surplus);
  }

  /** @param hx the states [h, c]; default zeros. */
  forward(input: Tensor, hx: readonly [Tensor, Tensor] | null = null, ...surplus: never[]): [Tensor, Tensor] {
    refuseSurplus("LSTMCell.forward", surplus);
    const { weightIh, weightHh, biasIh, biasHh } = this;
    return this.step(input, hx, 2, (x, states) => lstmCell(x, states, weightIh, weightHh, biasIh, biasHh)) as [
      Tensor,
      Tensor,
    ];
  }
}
