import type { z } from "zod";
import { validateConfig } from "../../../config/schema";
import { nn, scope } from "../../../torch";
import type { Tensor } from "../../../torch";
import { addGated, modulatedNorm, modulateGate } from "../../functional/modulation";
import type { RopeFrequencies } from "../../functional/rope";
import { PerceiverAttention } from "../attention/perceiver";
import type { CrossAttention, KeysValues } from "../attention/perceiver";
import { LayerScale } from "../layers/layer-scale";
import { LinearProjection } from "../layers/linear-projection";
import { UnquantizedDropPath } from "../layers/unquantized-drop-path";
import { UpActDownMlp } from "../mlp/up-act-down-mlp";
import { attentionConfig, PerceiverBlockConfig } from "./config";
import { modulations } from "./modulations";
import type { AttentionKwargs, BlockOptions } from "./transformer-block";

/**
 * Pre-norm cross-attention block: `q ← q + A(LN(q), LN(kv))`, `q ← q + MLP(LN(q))`; with `condition_dim` modulated as
 * {@link TransformerBlock}, keys and values included.
 *
 * Shapes: q (B, N, D), kv (B, M, kv_dim), condition (B, C) → (B, N, D).
 */
export class PerceiverBlock extends nn.Module {
  readonly modulation: LinearProjection | null;
  readonly norm1q: nn.LayerNorm;
  readonly norm1kv: nn.LayerNorm;
  attn: CrossAttention;
  readonly ls1: LayerScale;
  readonly dropPath1: UnquantizedDropPath;
  readonly norm2: nn.LayerNorm;
  mlp: nn.Module;
  readonly ls2: LayerScale;
  readonly dropPath2: UnquantizedDropPath;
  readonly config: PerceiverBlockConfig;

  constructor(config: z.input<typeof PerceiverBlockConfig>) {
    super();
    this.config = validateConfig(PerceiverBlockConfig, config);
    const { hidden_dim, kv_dim, condition_dim, bias, eps, init_weights, layerscale, drop_path } = this.config;
    const norm = { eps, elementwiseAffine: condition_dim === null, bias };
    this.modulation =
      condition_dim === null
        ? null
        : new LinearProjection({
            input_dim: condition_dim,
            output_dim: 6 * hidden_dim + 2 * kv_dim!,
            init_weights: "zeros",
          });
    this.norm1q = new nn.LayerNorm(hidden_dim, norm);
    this.norm1kv = new nn.LayerNorm(kv_dim!, norm);
    this.attn = new PerceiverAttention({ ...attentionConfig(this.config), kv_dim });
    this.ls1 = new LayerScale({ hidden_dim, init_values: layerscale });
    this.dropPath1 = new UnquantizedDropPath({ drop_prob: drop_path });
    this.norm2 = new nn.LayerNorm(hidden_dim, norm);
    this.mlp = new UpActDownMlp({ input_dim: hidden_dim, hidden_dim: this.config.mlp_hidden_dim!, bias, init_weights });
    this.ls2 = new LayerScale({ hidden_dim, init_values: layerscale });
    this.dropPath2 = new UnquantizedDropPath({ drop_prob: drop_path });
  }

  /** @param kv tokens to attend to, or their keys and values from {@link keysValues} */
  override forward(q: Tensor, kv: Tensor | KeysValues, { condition, attnKwargs = {} }: BlockOptions = {}): Tensor {
    return scope(() => {
      const parts = this.modulations(condition);
      const keysValues = "k" in kv ? kv : this.keysValues(kv, { condition, kFreqs: attnKwargs.kFreqs });
      const attend = (x: Tensor) => this.attend(x, keysValues, attnKwargs);
      if (!parts) {
        q = q.add(this.dropPath1.forward(this.ls1.forward(attend(this.norm1q.forward(q)))));
        return q.add(this.dropPath2.forward(this.ls2.forward(this.feedForward(this.norm2.forward(q), attnKwargs))));
      }
      const [qScale, qShift, , , attnGate, mlpScale, mlpShift, mlpGate] = parts as [
        Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor,
      ]; // prettier-ignore
      let y = attend(modulatedNorm(this.norm1q, q, qScale, qShift));
      q = this.residual(q, this.ls1.forward(y), attnGate, this.dropPath1);
      y = this.feedForward(modulatedNorm(this.norm2, q, mlpScale, mlpShift), attnKwargs);
      return this.residual(q, this.ls2.forward(y), mlpGate, this.dropPath2);
    });
  }

  private residual(q: Tensor, y: Tensor, gate: Tensor, dropPath: UnquantizedDropPath): Tensor {
    return dropPath.training ? q.add(dropPath.forward(modulateGate(y, gate))) : addGated(q, y, gate);
  }

  /** Attention of the queries (B, N, D). */
  protected attend(q: Tensor, kv: KeysValues, { attnMask, qFreqs }: AttentionKwargs): Tensor {
    return this.attn.forward(q, { kv, attnMask, qFreqs }) as Tensor;
  }

  /** The MLP of all queries (B, N, D). */
  protected feedForward(x: Tensor, _attnKwargs: AttentionKwargs): Tensor {
    return this.mlp.forward(x) as Tensor;
  }

  /** Keys and values of the tokens (B, M, kv_dim): computed once when many sets of queries attend to them. */
  keysValues(kv: Tensor, options: { condition?: Tensor | null; kFreqs?: RopeFrequencies | null } = {}): KeysValues {
    return scope(() => {
      const [, , kvScale, kvShift] = this.modulations(options.condition) ?? [];
      const modulated =
        kvScale && kvShift ? modulatedNorm(this.norm1kv, kv, kvScale, kvShift) : this.norm1kv.forward(kv);
      return this.attn.keysValues(modulated, options.kFreqs);
    });
  }

  /** Scale and shift of the queries, of the tokens (kv_dim), gate, then scale, shift and gate of the MLP. */
  private modulations(condition: Tensor | null | undefined): Tensor[] | null {
    const { hidden_dim: d, kv_dim } = this.config;
    return modulations(this, condition, [d, d, kv_dim!, kv_dim!, d, d, d, d]);
  }
}
