/** Recurrent networks over whole sequences. Cells for single steps: `rnn-cell.ts`. */
import {
  checkArgument,
  checkOptions,
  count,
  flag,
  oneOf,
  positive,
  probability,
  refuseSurplus,
  type KindsOf,
} from "../arguments";
import { TorchError } from "../errors";
import { gru, lstm, rnnRelu, rnnTanh, zeros } from "../operators.generated";
import type { Tensor } from "../tensor";
import { type FactoryOptions, emptyParameter, factoryKinds } from "./factory";
import * as init from "./init";
import { Module } from "./module";
import type { Parameter } from "./parameter";
import { floatRepr, pythonRepr } from "./repr";
import { PackedSequence } from "./utils/rnn";

/** Options of the recurrent networks. */
export interface RNNOptions extends FactoryOptions {
  /** Networks on top of each other (default 1). */
  numLayers?: number;
  /** Add learned offsets (default true). */
  bias?: boolean;
  /** Inputs and outputs are (N, L, …), not (L, N, …) (default false). States are (layers, N, …) always. */
  batchFirst?: boolean;
  /** Dropout between layers while training (default 0). */
  dropout?: number;
  /** Run over the sequence in both directions (default false). */
  bidirectional?: boolean;
}

const OPTIONS = {
  numLayers: positive,
  bias: flag,
  batchFirst: flag,
  dropout: probability,
  bidirectional: flag,
  ...factoryKinds,
} satisfies KindsOf<RNNOptions>;

/** How many gates a step has. */
type Gates = 1 | 3 | 4;

/**
 * What recurrent networks have in common: the weights `weight_ih_l0` (gates · hidden, input), `weight_hh_l0`, `bias_ih_l0`,
 * `bias_hh_l0`, those of further layers (`_l1`, …) and of the other direction (`_l0_reverse`), all uniform on ±1/√hiddenSize.
 */
abstract class RNNBase extends Module {
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly numLayers: number;
  readonly bias: boolean;
  readonly batchFirst: boolean;
  readonly dropout: number;
  readonly bidirectional: boolean;
  readonly projSize: number;

  constructor(
    gates: Gates,
    inputSize: number,
    hiddenSize: number,
    options: RNNOptions & { projSize?: number; nonlinearity?: string },
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
    this.numLayers = options.numLayers ?? 1;
    this.bias = options.bias ?? true;
    this.batchFirst = options.batchFirst ?? false;
    this.dropout = options.dropout ?? 0;
    this.bidirectional = options.bidirectional ?? false;
    this.projSize = options.projSize ?? 0;
    if (this.projSize >= hiddenSize)
      throw new TorchError(`${name}: expected projSize below hiddenSize ${hiddenSize}, got ${this.projSize}`);
    if (this.dropout > 0 && this.numLayers === 1)
      process.emitWarning(`${name}: dropout acts between layers, and there is one`, "TorchWarning");
    const outputs = this.stateSize;
    const weights: Record<string, Parameter> = {};
    this.eachDirection((suffix, layer) => {
      const inputs = layer === 0 ? inputSize : outputs * this.directions;
      weights[`weightIh${suffix}`] = emptyParameter([gates * hiddenSize, inputs], options);
      weights[`weightHh${suffix}`] = emptyParameter([gates * hiddenSize, outputs], options);
      if (this.bias) {
        weights[`biasIh${suffix}`] = emptyParameter([gates * hiddenSize], options);
        weights[`biasHh${suffix}`] = emptyParameter([gates * hiddenSize], options);
      }
      if (this.projSize > 0) weights[`weightHr${suffix}`] = emptyParameter([this.projSize, hiddenSize], options);
    });
    Object.assign(this, weights);
    this.resetParameters();
  }

  private get directions(): number {
    return this.bidirectional ? 2 : 1;
  }

  private get stateSize(): number {
    return this.projSize > 0 ? this.projSize : this.hiddenSize;
  }

  private eachDirection(visit: (suffix: string, layer: number) => void): void {
    for (let layer = 0; layer < this.numLayers; layer++) {
      visit(`L${layer}`, layer);
      if (this.bidirectional) visit(`L${layer}Reverse`, layer);
    }
  }

  /** Draws all weights uniform on ±1/√hiddenSize. */
  resetParameters(): void {
    const bound = 1 / Math.sqrt(this.hiddenSize);
    for (const parameter of this.parameters()) init.uniform_(parameter, -bound, bound);
  }

  /** Weights in the order of the operators. */
  protected get flatWeights(): Tensor[] {
    // by their names, since one may be computed, or held twice
    const names: string[] = [];
    this.eachDirection((suffix) => {
      names.push(`weightIh${suffix}`, `weightHh${suffix}`);
      if (this.bias) names.push(`biasIh${suffix}`, `biasHh${suffix}`);
      if (this.projSize > 0) names.push(`weightHr${suffix}`);
    });
    return names.map((name) => Reflect.get(this, name) as Tensor);
  }

  /**
   * Runs the operator over a sequence, batched or not, packed or not.
   *
   * @param states the first states, (layers · directions, N, size) each; zeros where there are none.
   * @param sizes the size of each state.
   */
  protected run(
    input: Tensor | PackedSequence,
    states: readonly Tensor[] | null,
    sizes: readonly number[],
    operator: (x: Tensor, batchSizes: Tensor | null, states: readonly Tensor[]) => Tensor[],
  ): { output: Tensor | PackedSequence; states: Tensor[] } {
    const layers = this.numLayers * this.directions;
    const where = this.constructor.name;
    const packed = input instanceof PackedSequence;
    const x = packed ? input.data : input;
    const batched = packed || x.ndim === 3;
    if (!packed && x.ndim !== 2 && x.ndim !== 3)
      throw new TorchError(`${where}: expected an input of 2 or 3 dimensions, got shape [${x.shape.join(", ")}]`);
    if (x.size(-1) !== this.inputSize)
      throw new TorchError(`${where}: expected inputs of size ${this.inputSize}, got shape [${x.shape.join(", ")}]`);
    const sequence = batched ? x : x.unsqueeze(this.batchFirst ? 0 : 1);
    const batch = packed ? input.batchSize : sequence.size(this.batchFirst ? 0 : 1);
    const first = sizes.map((size, i) => {
      const given = states?.[i];
      if (given === undefined) return zeros([layers, batch, size], { dtype: x.dtype, device: x.device });
      const wanted = batched ? [layers, batch, size] : [layers, size];
      if (given.shape.join() !== wanted.join())
        throw new TorchError(
          `${where}: expected a first state of shape [${wanted.join(", ")}], got [${given.shape.join(", ")}]`,
        );
      const state = batched ? given : given.unsqueeze(1);
      return packed && input.sortedIndices !== null ? state.indexSelect(1, input.sortedIndices) : state;
    });
    const [output, ...last] = operator(sequence, packed ? input.batchSizes : null, first) as [Tensor, ...Tensor[]];
    if (packed)
      return {
        output: new PackedSequence(output, input.batchSizes, input.sortedIndices, input.unsortedIndices),
        states: last.map((state) =>
          input.unsortedIndices === null ? state : state.indexSelect(1, input.unsortedIndices),
        ),
      };
    if (batched) return { output, states: last };
    return { output: output.squeeze(this.batchFirst ? 0 : 1), states: last.map((state) => state.squeeze(1)) };
  }

  protected override extraRepr(): string {
    let text = `${this.inputSize}, ${this.hiddenSize}`;
    if (this.projSize !== 0) text += `, proj_size=${this.projSize}`;
    if (this.numLayers !== 1) text += `, num_layers=${this.numLayers}`;
    if (!this.bias) text += ", bias=False";
    if (this.batchFirst) text += `, batch_first=${pythonRepr(this.batchFirst)}`;
    if (this.dropout !== 0) text += `, dropout=${floatRepr(this.dropout)}`;
    if (this.bidirectional) text += `, bidirectional=${pythonRepr(this.bidirectional)}`;
    return text;
  }
}

/** h' = tanh(W·x + b + U·h + c), or max(0, …): (L, N, inputSize) → [(L, N, directions · hiddenSize), last state]. Elman 1990. */
export class RNN extends RNNBase {
  readonly nonlinearity: "tanh" | "relu";

  constructor(
    inputSize: number,
    hiddenSize: number,
    options: RNNOptions & { nonlinearity?: "tanh" | "relu" } = {},
    ...surplus: never[]
  ) {
    super(1, inputSize, hiddenSize, options, { nonlinearity: oneOf("tanh", "relu") }, surplus);
    this.nonlinearity = options.nonlinearity ?? "tanh";
  }

  /** @param hx the first state (layers · directions, N, hiddenSize); default zeros. Inputs may lack the batch, or be packed. */
  forward<X extends Tensor | PackedSequence>(input: X, hx: Tensor | null = null, ...surplus: never[]): [X, Tensor] {
    refuseSurplus("RNN.forward", surplus);
    const { bias, numLayers, dropout, training, bidirectional, batchFirst } = this;
    const operator = this.nonlinearity === "tanh" ? rnnTanh : rnnRelu;
    const { output, states } = this.run(input, hx && [hx], [this.hiddenSize], (x, batchSizes, [h]) =>
      batchSizes === null
        ? operator(x, h!, this.flatWeights, bias, numLayers, dropout, training, bidirectional, batchFirst)
        : operator(x, batchSizes, h!, this.flatWeights, bias, numLayers, dropout, training, bidirectional),
    );
    return [output as X, states[0]!];
  }
}

/** Gated recurrent units: (L, N, inputSize) → [(L, N, directions · hiddenSize), last state]. Cho et al. 2014, arXiv 1406.1078. */
export class GRU extends RNNBase {
  constructor(inputSize: number, hiddenSize: number, options: RNNOptions = {}, ...surplus: never[]) {
    super(3, inputSize, hiddenSize, options, {}, surplus);
  }

  /** @param hx the first state (layers · directions, N, hiddenSize); default zeros. Inputs may lack the batch, or be packed. */
  forward<X extends Tensor | PackedSequence>(input: X, hx: Tensor | null = null, ...surplus: never[]): [X, Tensor] {
    refuseSurplus("GRU.forward", surplus);
    const { bias, numLayers, dropout, training, bidirectional, batchFirst } = this;
    const { output, states } = this.run(input, hx && [hx], [this.hiddenSize], (x, batchSizes, [h]) =>
      batchSizes === null
        ? gru(x, h!, this.flatWeights, bias, numLayers, dropout, training, bidirectional, batchFirst)
        : gru(x, batchSizes, h!, this.flatWeights, bias, numLayers, dropout, training, bidirectional),
    );
    return [output as X, states[0]!];
  }
}

/** Long short-term memory: (L, N, inputSize) → [(L, N, directions · size), [last h, last c]]. Hochreiter & Schmidhuber 1997. */
export class LSTM extends RNNBase {
  /** @param options.projSize project h to this size (default 0: not at all). Sak et al. 2014, arXiv 1402.1128. */
  constructor(
    inputSize: number,
    hiddenSize: number,
    options: RNNOptions & { projSize?: number } = {},
    ...surplus: never[]
  ) {
    super(4, inputSize, hiddenSize, options, { projSize: count }, surplus);
  }

  /** @param hx the first states [h, c] (layers · directions, N, size); default zeros. Inputs may lack the batch, or be packed. */
  forward<X extends Tensor | PackedSequence>(
    input: X,
    hx: readonly [Tensor, Tensor] | null = null,
    ...surplus: never[]
  ): [X, [Tensor, Tensor]] {
    refuseSurplus("LSTM.forward", surplus);
    const { bias, numLayers, dropout, training, bidirectional, batchFirst } = this;
    const sizes = [this.projSize > 0 ? this.projSize : this.hiddenSize, this.hiddenSize];
    const { output, states } = this.run(input, hx, sizes, (x, batchSizes, first) =>
      batchSizes === null
        ? lstm(x, first, this.flatWeights, bias, numLayers, dropout, training, bidirectional, batchFirst)
        : lstm(x, batchSizes, first, this.flatWeights, bias, numLayers, dropout, training, bidirectional),
    );
    return [output as X, states as [Tensor, Tensor]];
  }
}
