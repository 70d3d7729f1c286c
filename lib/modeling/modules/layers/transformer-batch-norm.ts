import { ValueError } from "../../../config/python-errors";
import { nn, ones, zeros } from "../../../torch";
import type { Tensor } from "../../../torch";

/**
 * Normalises each channel over the tokens of each sample on its own: `(x − mean_N) / √(var_N + eps) · weight + bias`, with the biased
 * variance, in training and evaluation alike (no running statistics).
 *
 * Shapes: (B, N, D) → (B, N, D).
 */
export class TransformerBatchNorm extends nn.Module {
  readonly weight: nn.Parameter | null;
  readonly bias: nn.Parameter | null;
  readonly eps: number;

  constructor(numFeatures: number, options: { eps?: number; elementwiseAffine?: boolean; bias?: boolean } = {}) {
    super();
    const { eps = 1e-5, elementwiseAffine = true, bias = elementwiseAffine } = options;
    if (bias && !elementwiseAffine) throw new ValueError("TransformerBatchNorm: bias needs elementwiseAffine");
    this.weight = elementwiseAffine ? new nn.Parameter(ones([numFeatures])) : null;
    this.bias = bias ? new nn.Parameter(zeros([numFeatures])) : null;
    this.eps = eps;
  }

  override forward(x: Tensor): Tensor {
    if (x.ndim !== 3)
      throw new ValueError(`TransformerBatchNorm: x must have shape (B, N, D), got (${x.shape.join(", ")})`);
    // One channel per (sample, feature) makes batch_norm treat samples apart.
    const [batchSize, tokens, features] = x.shape as [number, number, number];
    const flat = x.transpose(1, 2).reshape([1, batchSize * features, tokens]); // (1, B·D, N)
    const normalised = nn.functional.batchNorm(flat, null, null, null, null, true, 0, this.eps);
    let y = normalised.reshape([batchSize, features, tokens]).transpose(1, 2); // (B, N, D)
    if (this.weight) y = y.mul(this.weight);
    return this.bias ? y.add(this.bias) : y;
  }
}
