import type { z } from "zod";
import { validateConfig } from "../../../config/schema";
import { nn, scope } from "../../../torch";
import type { Tensor } from "../../../torch";
import { addGated, modulatedNorm, modulateGate } from "../../functional/modulation";
import type { RopeFrequencies } from "../../functional/rope";
import type { KeyValueCache, TokenSpec } from "../attention/anchor-attention";
import type { KeysValues } from "../attention/perceiver";
import { buildAttention } from "../attention/registry";
import { LayerScale } from "../layers/layer-scale";
import { LinearProjection } from "../layers/linear-projection";
import { UnquantizedDropPath } from "../layers/unquantized-drop-path";
import { UpActDownMlp } from "../mlp/up-act-down-mlp";
import { attentionConfig, TransformerBlockConfig } from "./config";
import { modulations } from "./modulations";

/** Arguments for the attention inside a block; which of them apply depends on the kind of attention. */
export interface AttentionKwargs {
  readonly freqs?: RopeFrequencies | null;
  readonly qFreqs?: RopeFrequencies | null;
  readonly kFreqs?: RopeFrequencies | null;
  readonly attnMask?: Tensor | null;
  readonly kv?: Tensor | KeysValues;
  readonly tokenSpecs?: readonly TokenSpec[];
  readonly keyPaddingMask?: Tensor | null;
  readonly kvCache?: KeyValueCache | null;
}

/** Arguments of a block's forward beside its tokens. */
export interface BlockOptions {
  /** (B, C), exactly with `condition_dim`. */
  readonly condition?: Tensor | null;
  readonly attnKwargs?: AttentionKwargs;
}

/** An attention that gives keys and values for later calls. */
interface CachingAttention extends nn.Module {
  forwardWithCache(x: Tensor, attnKwargs: AttentionKwargs): [Tensor, KeyValueCache | null];
}

/**
 * Pre-norm transformer block: `x ← x + A(LN(x))`, `x ← x + MLP(LN(x))`.
 *
 * With `condition_dim`, a condition vector scales, shifts and gates both branches (DiT, https://arxiv.org/abs/2212.09748); the gates
 * start at zero, so the block starts as the identity.
 *
 * Shapes: x (B, N, D), condition (B, C) → (B, N, D).
 */
export class TransformerBlock extends nn.Module {
  readonly modulation: LinearProjection | null;
  readonly norm1: nn.LayerNorm;
  attentionBlock: nn.Module;
  readonly ls1: LayerScale;
  readonly dropPath1: UnquantizedDropPath;
  readonly norm2: nn.LayerNorm;
  mlp: nn.Module;
  readonly ls2: LayerScale;
  readonly dropPath2: UnquantizedDropPath;
  readonly config: TransformerBlockConfig;

  /** @param options.attention builds another attention than the config names, from the attention's config */
  constructor(
    config: z.input<typeof TransformerBlockConfig>,
    options: { attention?: (config: ReturnType<typeof attentionConfig>) => nn.Module } = {},
  ) {
    super();
    this.config = validateConfig(TransformerBlockConfig, config);
    const { hidden_dim, condition_dim, bias, eps, init_weights, layerscale, drop_path } = this.config;
    const affine = condition_dim === null;
    this.modulation =
      condition_dim === null
        ? null
        : new LinearProjection({ input_dim: condition_dim, output_dim: 6 * hidden_dim, init_weights: "zeros" });
    this.norm1 = new nn.LayerNorm(hidden_dim, { eps, elementwiseAffine: affine, bias });
    this.attentionBlock = options.attention
      ? options.attention(attentionConfig(this.config))
      : buildAttention(this.config.attention_constructor, attentionConfig(this.config));
    this.ls1 = new LayerScale({ hidden_dim, init_values: layerscale });
    this.dropPath1 = new UnquantizedDropPath({ drop_prob: drop_path });
    this.norm2 = new nn.LayerNorm(hidden_dim, { eps, elementwiseAffine: affine, bias });
    this.mlp = new UpActDownMlp({ input_dim: hidden_dim, hidden_dim: this.config.mlp_hidden_dim!, bias, init_weights });
    this.ls2 = new LayerScale({ hidden_dim, init_values: layerscale });
    this.dropPath2 = new UnquantizedDropPath({ drop_prob: drop_path });
  }

  /** @param options.attnKwargs arguments for the attention, such as rotary frequencies */
  override forward(x: Tensor, options: BlockOptions = {}): Tensor {
    return scope(() => this.run(x, options, (y, attnKwargs) => this.attentionBlock.forward(y, attnKwargs) as Tensor));
  }

  /**
   * Also gives what the attention keeps for later calls, as their `kvCache`; null for an attention that keeps nothing.
   *
   * @returns output (B, N, D) and cache, whose tensors may be views of larger ones
   */
  forwardWithCache(x: Tensor, options: BlockOptions = {}): [Tensor, KeyValueCache | null] {
    return scope(() => {
      let cache: KeyValueCache | null = null;
      const output = this.run(x, options, (y, attnKwargs) => {
        if (!("forwardWithCache" in this.attentionBlock)) return this.attentionBlock.forward(y, attnKwargs) as Tensor;
        const [attended, kept] = (this.attentionBlock as CachingAttention).forwardWithCache(y, attnKwargs);
        cache = kept;
        return attended;
      });
      return [output, cache];
    });
  }

  private run(
    x: Tensor,
    { condition, attnKwargs = {} }: BlockOptions,
    attend: (x: Tensor, attnKwargs: AttentionKwargs) => Tensor,
  ): Tensor {
    const parts = modulations(this, condition, Array<number>(6).fill(this.config.hidden_dim));
    if (!parts) {
      x = x.add(this.dropPath1.forward(this.ls1.forward(attend(this.norm1.forward(x), attnKwargs))));
      return x.add(this.dropPath2.forward(this.ls2.forward(this.feedForward(this.norm2.forward(x), attnKwargs))));
    }
    const [attnScale, attnShift, attnGate, mlpScale, mlpShift, mlpGate] = parts as [
      Tensor,
      Tensor,
      Tensor,
      Tensor,
      Tensor,
      Tensor,
    ];
    let y = attend(modulatedNorm(this.norm1, x, attnScale, attnShift), attnKwargs);
    x = this.residual(x, this.ls1.forward(y), attnGate, this.dropPath1);
    y = this.feedForward(modulatedNorm(this.norm2, x, mlpScale, mlpShift), attnKwargs);
    return this.residual(x, this.ls2.forward(y), mlpGate, this.dropPath2);
  }

  private residual(x: Tensor, y: Tensor, gate: Tensor, dropPath: UnquantizedDropPath): Tensor {
    return dropPath.training ? x.add(dropPath.forward(modulateGate(y, gate))) : addGated(x, y, gate);
  }

  /** The MLP of all tokens (B, N, D). */
  protected feedForward(x: Tensor, _attnKwargs: AttentionKwargs): Tensor {
    return this.mlp.forward(x) as Tensor;
  }
}
