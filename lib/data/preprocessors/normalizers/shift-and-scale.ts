import { validateConfig } from "../../../config/schema";
import { keep, Tensor } from "../../../torch";
import { ShiftAndScaleNormalizerConfig } from "./configs";
import { fromLogscale, toLogscale } from "../../../core/functional/logscale";
import { PreProcessor } from "../pre-processor";
import { toTensor } from "../to-tensor";

/**
 * `(x + shift) · scale`, optionally after {@link toLogscale}. Shift and scale broadcast on the trailing dimensions and stay
 * on the CPU: move predictions there before denormalizing.
 */
export class ShiftAndScaleNormalizer extends PreProcessor {
  static readonly schema: unknown = ShiftAndScaleNormalizerConfig;
  readonly shift: Tensor;
  readonly scale: Tensor;
  readonly logscale: boolean;

  constructor(
    config: ShiftAndScaleNormalizerConfig | { shift: unknown; scale: unknown; logscale?: boolean },
    normalizationKey: string,
  ) {
    super(normalizationKey);
    const { shift, scale, logscale } = validateConfig(ShiftAndScaleNormalizerConfig, config);
    this.shift = keep(toTensor(shift));
    this.scale = keep(toTensor(scale));
    this.logscale = logscale;
  }

  override apply(x: Tensor): Tensor {
    requireTensor(x, this);
    return (this.logscale ? toLogscale(x) : x).add(this.shift).mul(this.scale);
  }

  override denormalize(y: Tensor): Tensor {
    requireTensor(y, this);
    const x = y.mul(this.scale.reciprocal()).sub(this.shift);
    return this.logscale ? fromLogscale(x) : x;
  }
}

function requireTensor(x: unknown, owner: PreProcessor): void {
  if (!(x instanceof Tensor))
    throw new TypeError(
      `expected a tensor in ${owner.constructor.name} "${owner.normalizationKey}", received ${typeof x}`,
    );
}
