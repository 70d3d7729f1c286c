/** The transformer of Vaswani et al. 2017 (arXiv 1706.03762) with PyTorch's parameters. Sequences are (L, N, E), with `batchFirst` (N, L, E). */
import {
  callable,
  checkArgument,
  checkOptions,
  count,
  either,
  flag,
  nonNegative,
  nullable,
  oneOf,
  positive,
  probability,
  tensor,
  type Kind,
  type KindsOf,
} from "../arguments";
import { deepcopy } from "../deepcopy";
import { TorchError } from "../errors";
import { full, gelu, relu } from "../operators.generated";
import type { Tensor } from "../tensor";
import { ModuleList } from "./containers";
import { Dropout } from "./dropout";
import { type FactoryOptions, factoryKinds } from "./factory";
import * as init from "./init";
import { Linear } from "./linear";
import { Module } from "./module";
import { MultiheadAttention } from "./multihead-attention";
import { LayerNorm } from "./normalization";

/** The function between the two linear layers. */
export type TransformerActivation = "relu" | "gelu" | ((x: Tensor) => Tensor);

/** Options of the layers. */
export interface TransformerLayerOptions extends FactoryOptions {
  /** Width of the feed-forward part (default 2048). */
  dimFeedforward?: number;
  /** Default 0.1. */
  dropout?: number;
  /** Default `"relu"`. */
  activation?: TransformerActivation;
  /** Added to the variances of the norms (default 1e-5). */
  layerNormEps?: number;
  /** Sequences are (N, L, E) (default false). */
  batchFirst?: boolean;
  /** Norms come before attention and feed-forward part, not after their sums (default false). */
  normFirst?: boolean;
  /** Add learned offsets (default true). */
  bias?: boolean;
}

const LAYER = {
  dimFeedforward: positive,
  dropout: probability,
  activation: either(oneOf("relu", "gelu"), callable),
  layerNormEps: nonNegative,
  batchFirst: flag,
  normFirst: flag,
  bias: flag,
  ...factoryKinds,
} satisfies KindsOf<TransformerLayerOptions>;

const mask = nullable(tensor);
const activations = { relu, gelu: (x: Tensor) => gelu(x) };

/** What encoder and decoder layers have in common: the feed-forward part. */
abstract class TransformerLayer extends Module {
  readonly normFirst: boolean;

  constructor(
    protected readonly dModel: number,
    protected readonly nhead: number,
    protected readonly options: TransformerLayerOptions,
    surplus: readonly unknown[],
  ) {
    super();
    checkArgument(this.constructor.name, "dModel", dModel, positive);
    checkArgument(this.constructor.name, "nhead", nhead, positive);
    checkOptions(this.constructor.name, options, LAYER, surplus);
    this.normFirst = options.normFirst ?? false;
  }

  protected attention(): MultiheadAttention {
    const { dropout = 0.1, bias, batchFirst, device, dtype } = this.options;
    return new MultiheadAttention(this.dModel, this.nhead, { dropout, bias, batchFirst, device, dtype });
  }

  protected norm(): LayerNorm {
    const { layerNormEps: eps, bias, device, dtype } = this.options;
    return new LayerNorm(this.dModel, { eps, bias, device, dtype });
  }

  /** E → dimFeedforward, or back. */
  protected linear(direction: "in" | "out"): Linear {
    const { dimFeedforward = 2048, bias, device, dtype } = this.options;
    const [from, to] = direction === "in" ? [this.dModel, dimFeedforward] : [dimFeedforward, this.dModel];
    return new Linear(from, to, { bias, device, dtype });
  }

  protected dropoutLayer(): Dropout {
    return new Dropout(this.options.dropout ?? 0.1);
  }

  protected activate(x: Tensor): Tensor {
    const { activation = "relu" } = this.options;
    return typeof activation === "function" ? activation(x) : activations[activation](x);
  }

  /** A residual branch: norm before it, or after the sum. */
  protected residual(x: Tensor, norm: LayerNorm, branch: (x: Tensor) => Tensor): Tensor {
    return this.normFirst ? x.add(branch(norm.forward(x))) : norm.forward(x.add(branch(x)));
  }
}

/** Options of a call of {@link TransformerEncoderLayer}. */
export interface EncoderLayerCall {
  /** (L, L) or (N · heads, L, L): true is left out, numbers are added to scores. */
  srcMask?: Tensor | null;
  /** (N, L): true is left out. */
  srcKeyPaddingMask?: Tensor | null;
  /** `srcMask` is the causal one (default false). */
  isCausal?: boolean;
}

/** Self-attention and a feed-forward part, each with a residual connection and a norm. */
export class TransformerEncoderLayer extends TransformerLayer {
  readonly selfAttn: MultiheadAttention;
  readonly linear1: Linear;
  readonly dropout: Dropout;
  readonly linear2: Linear;
  readonly norm1: LayerNorm;
  readonly norm2: LayerNorm;
  readonly dropout1: Dropout;
  readonly dropout2: Dropout;

  constructor(dModel: number, nhead: number, options: TransformerLayerOptions = {}, ...surplus: never[]) {
    super(dModel, nhead, options, surplus);
    this.selfAttn = this.attention();
    this.linear1 = this.linear("in");
    this.dropout = this.dropoutLayer();
    this.linear2 = this.linear("out");
    this.norm1 = this.norm();
    this.norm2 = this.norm();
    this.dropout1 = this.dropoutLayer();
    this.dropout2 = this.dropoutLayer();
  }

  forward(src: Tensor, options: EncoderLayerCall = {}, ...surplus: never[]): Tensor {
    const kinds = { srcMask: mask, srcKeyPaddingMask: mask, isCausal: flag };
    checkOptions("TransformerEncoderLayer.forward", options, kinds, surplus);
    const call = {
      attnMask: options.srcMask,
      keyPaddingMask: options.srcKeyPaddingMask,
      isCausal: options.isCausal,
      needWeights: false,
    };
    const x = this.residual(src, this.norm1, (y) => this.dropout1.forward(this.selfAttn.forward(y, y, y, call)[0]));
    return this.residual(x, this.norm2, (y) =>
      this.dropout2.forward(this.linear2.forward(this.dropout.forward(this.activate(this.linear1.forward(y))))),
    );
  }
}

/** Options of a call of {@link TransformerDecoderLayer} and {@link TransformerDecoder}. */
export interface DecoderCall {
  /** (L, L) or (N · heads, L, L). */
  tgtMask?: Tensor | null;
  /** (L, S) or (N · heads, L, S). */
  memoryMask?: Tensor | null;
  /** (N, L) */
  tgtKeyPaddingMask?: Tensor | null;
  /** (N, S) */
  memoryKeyPaddingMask?: Tensor | null;
  /** `tgtMask` is the causal one (default false). */
  tgtIsCausal?: boolean;
  /** `memoryMask` is the causal one (default false). */
  memoryIsCausal?: boolean;
}
const DECODER_CALL = {
  tgtMask: mask,
  memoryMask: mask,
  tgtKeyPaddingMask: mask,
  memoryKeyPaddingMask: mask,
  tgtIsCausal: flag,
  memoryIsCausal: flag,
} satisfies KindsOf<DecoderCall>;

/** Self-attention, attention to the encoder's output and a feed-forward part, each with a residual connection and a norm. */
export class TransformerDecoderLayer extends TransformerLayer {
  readonly selfAttn: MultiheadAttention;
  readonly multiheadAttn: MultiheadAttention;
  readonly linear1: Linear;
  readonly dropout: Dropout;
  readonly linear2: Linear;
  readonly norm1: LayerNorm;
  readonly norm2: LayerNorm;
  readonly norm3: LayerNorm;
  readonly dropout1: Dropout;
  readonly dropout2: Dropout;
  readonly dropout3: Dropout;

  constructor(dModel: number, nhead: number, options: TransformerLayerOptions = {}, ...surplus: never[]) {
    super(dModel, nhead, options, surplus);
    this.selfAttn = this.attention();
    this.multiheadAttn = this.attention();
    this.linear1 = this.linear("in");
    this.dropout = this.dropoutLayer();
    this.linear2 = this.linear("out");
    this.norm1 = this.norm();
    this.norm2 = this.norm();
    this.norm3 = this.norm();
    this.dropout1 = this.dropoutLayer();
    this.dropout2 = this.dropoutLayer();
    this.dropout3 = this.dropoutLayer();
  }

  /** @param memory the encoder's output (S, N, E). */
  forward(tgt: Tensor, memory: Tensor, options: DecoderCall = {}, ...surplus: never[]): Tensor {
    checkOptions("TransformerDecoderLayer.forward", options, DECODER_CALL, surplus);
    const own = { attnMask: options.tgtMask, keyPaddingMask: options.tgtKeyPaddingMask, isCausal: options.tgtIsCausal };
    const cross = {
      attnMask: options.memoryMask,
      keyPaddingMask: options.memoryKeyPaddingMask,
      isCausal: options.memoryIsCausal,
    };
    const needWeights = false;
    let x = this.residual(tgt, this.norm1, (y) =>
      this.dropout1.forward(this.selfAttn.forward(y, y, y, { ...own, needWeights })[0]),
    );
    x = this.residual(x, this.norm2, (y) =>
      this.dropout2.forward(this.multiheadAttn.forward(y, memory, memory, { ...cross, needWeights })[0]),
    );
    return this.residual(x, this.norm3, (y) =>
      this.dropout3.forward(this.linear2.forward(this.dropout.forward(this.activate(this.linear1.forward(y))))),
    );
  }
}

const moduleKind: Kind = { text: "a module", accepts: (value) => value instanceof Module };

/** Copies of one layer, one after the other, and a norm at the end. */
abstract class LayerStack extends Module {
  readonly layers: ModuleList<Module>;
  readonly numLayers: number;
  /** Applied at the end, or null. */
  norm: Module | null;

  constructor(layer: Module, numLayers: number, options: { norm?: Module | null }, surplus: readonly unknown[]) {
    super();
    const name = this.constructor.name;
    checkArgument(name, "layer", layer, moduleKind);
    checkArgument(name, "numLayers", numLayers, count);
    checkOptions(name, options, { norm: nullable(moduleKind) }, surplus);
    this.layers = new ModuleList(Array.from({ length: numLayers }, () => deepcopy(layer)));
    this.numLayers = numLayers;
    this.norm = options.norm ?? null;
  }

  protected through(x: Tensor, layer: (layer: Module, x: Tensor) => Tensor): Tensor {
    let output = x;
    for (const each of this.layers) output = layer(each, output);
    return this.norm === null ? output : (this.norm.forward(output) as Tensor);
  }
}

/** {@link TransformerEncoderLayer}s, one after the other. All start with the weights of the given layer, as in PyTorch. */
export class TransformerEncoder extends LayerStack {
  /** @param options.norm applied to the result. */
  constructor(encoderLayer: Module, numLayers: number, options: { norm?: Module | null } = {}, ...surplus: never[]) {
    super(encoderLayer, numLayers, options, surplus);
  }

  /** @param options.mask see {@link EncoderLayerCall}. */
  forward(
    src: Tensor,
    options: { mask?: Tensor | null; srcKeyPaddingMask?: Tensor | null; isCausal?: boolean | null } = {},
    ...surplus: never[]
  ): Tensor {
    const kinds = { mask, srcKeyPaddingMask: mask, isCausal: nullable(flag) };
    checkOptions("TransformerEncoder.forward", options, kinds, surplus);
    const { mask: srcMask, srcKeyPaddingMask } = options;
    const isCausal = options.isCausal ?? false;
    return this.through(src, (layer, x) => layer.forward(x, { srcMask, srcKeyPaddingMask, isCausal }) as Tensor);
  }
}

/** {@link TransformerDecoderLayer}s, one after the other. All start with the weights of the given layer, as in PyTorch. */
export class TransformerDecoder extends LayerStack {
  /** @param options.norm applied to the result. */
  constructor(decoderLayer: Module, numLayers: number, options: { norm?: Module | null } = {}, ...surplus: never[]) {
    super(decoderLayer, numLayers, options, surplus);
  }

  /** @param memory the encoder's output (S, N, E). */
  forward(tgt: Tensor, memory: Tensor, options: DecoderCall = {}, ...surplus: never[]): Tensor {
    checkOptions("TransformerDecoder.forward", options, DECODER_CALL, surplus);
    return this.through(tgt, (layer, x) => layer.forward(x, memory, options) as Tensor);
  }
}

/** Options of {@link Transformer}. */
export interface TransformerOptions extends TransformerLayerOptions {
  /** Width (default 512). */
  dModel?: number;
  /** Heads (default 8). */
  nhead?: number;
  /** Default 6. */
  numEncoderLayers?: number;
  /** Default 6. */
  numDecoderLayers?: number;
  /** Instead of the encoder. */
  customEncoder?: Module | null;
  /** Instead of the decoder. */
  customDecoder?: Module | null;
}

/** Encoder and decoder. All weights of two dimensions start uniform after Glorot & Bengio. */
export class Transformer extends Module {
  readonly encoder: Module;
  readonly decoder: Module;
  readonly dModel: number;
  readonly nhead: number;
  readonly batchFirst: boolean;

  constructor(options: TransformerOptions = {}, ...surplus: never[]) {
    super();
    const custom = nullable(moduleKind);
    const kinds = { dModel: positive, nhead: positive, numEncoderLayers: count, numDecoderLayers: count };
    checkOptions("Transformer", options, { ...LAYER, ...kinds, customEncoder: custom, customDecoder: custom }, surplus);
    const { dModel = 512, nhead = 8, numEncoderLayers = 6, numDecoderLayers = 6, ...rest } = options;
    const { customEncoder = null, customDecoder = null, ...layer } = rest;
    const norm = (): LayerNorm => {
      const { layerNormEps: eps, bias, device, dtype } = layer;
      return new LayerNorm(dModel, { eps, bias, device, dtype });
    };
    this.encoder =
      customEncoder ??
      new TransformerEncoder(new TransformerEncoderLayer(dModel, nhead, layer), numEncoderLayers, { norm: norm() });
    this.decoder =
      customDecoder ??
      new TransformerDecoder(new TransformerDecoderLayer(dModel, nhead, layer), numDecoderLayers, { norm: norm() });
    this.dModel = dModel;
    this.nhead = nhead;
    this.batchFirst = layer.batchFirst ?? false;
    this.resetParameters();
  }

  /** Draws all weights of two dimensions and more. */
  resetParameters(): void {
    for (const parameter of this.parameters()) if (parameter.ndim > 1) init.xavierUniform_(parameter);
  }

  /** Source (S, N, E) and target (L, N, E) → (L, N, E). */
  forward(
    src: Tensor,
    tgt: Tensor,
    options: {
      srcMask?: Tensor | null;
      srcKeyPaddingMask?: Tensor | null;
      srcIsCausal?: boolean | null;
    } & DecoderCall = {},
    ...surplus: never[]
  ): Tensor {
    const kinds = { ...DECODER_CALL, srcMask: mask, srcKeyPaddingMask: mask, srcIsCausal: nullable(flag) };
    checkOptions("Transformer.forward", options, kinds, surplus);
    const batch = this.batchFirst ? 0 : 1;
    if (src.ndim === 3 && tgt.ndim === 3 && src.size(batch) !== tgt.size(batch))
      throw new TorchError(
        `Transformer.forward: expected src and tgt with as many samples, got shapes [${src.shape.join(", ")}] and [${tgt.shape.join(", ")}]`,
      );
    if (src.size(-1) !== this.dModel || tgt.size(-1) !== this.dModel)
      throw new TorchError(
        `Transformer.forward: expected src and tgt of width ${this.dModel}, got shapes [${src.shape.join(", ")}] and [${tgt.shape.join(", ")}]`,
      );
    const { srcMask, srcKeyPaddingMask, srcIsCausal, ...decoding } = options;
    const memory = this.encoder.forward(src, { mask: srcMask, srcKeyPaddingMask, isCausal: srcIsCausal }) as Tensor;
    return this.decoder.forward(tgt, memory, decoding) as Tensor;
  }

  /** The mask of a causal sequence: −∞ above the diagonal, 0 elsewhere, (size, size). */
  static generateSquareSubsequentMask(size: number, options: FactoryOptions = {}, ...surplus: never[]): Tensor {
    checkArgument("generateSquareSubsequentMask", "size", size, positive);
    checkOptions("generateSquareSubsequentMask", options, factoryKinds, surplus);
    return full([size, size], -Infinity, options).triu(1);
  }
}
