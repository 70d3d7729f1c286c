import type { z } from "zod";
import { bool, defineConfig, optional, str, validateConfig, type FieldType } from "../../../config/schema";
import { keep, Tensor } from "../../../torch";
import { register } from "../../../config/registry";
import { fromLogscale, toLogscale } from "../../../core/functional/logscale";
import { PreProcessor } from "../pre-processor";
import { toTensor } from "../to-tensor";
import { flatten, sameShape, tensorValue } from "./tensor-value";

/** `(x + shift) · scale`: the shift is added, the scale multiplied. */
export const ShiftAndScaleNormalizerConfig = defineConfig("ShiftAndScaleNormalizerConfig", {
  extra: "forbid",
  fields: {
    kind: optional(str()),
    /** What is added: one number, or one of each channel. */
    shift: tensorValue(),
    /** What the sum is multiplied by, in the same form. */
    scale: tensorValue(),
    /** Takes the signed logarithm first. */
    logscale: bool().default(false),
  },
  check: ({ shift, scale }, complain) => {
    if (!sameShape(shift, scale, "shift and scale", complain)) return;
    if (flatten(scale).some((value) => !(value > 0))) complain("expected scale > 0 in every entry");
  },
});
export type ShiftAndScaleNormalizerConfig = z.output<typeof ShiftAndScaleNormalizerConfig>;

/**
 * `(x + shift) · scale`, optionally after {@link toLogscale}. Shift and scale broadcast on the trailing dimensions and
 * follow the device of the values.
 */
export class ShiftAndScaleNormalizer extends PreProcessor {
  static readonly schema: FieldType = ShiftAndScaleNormalizerConfig;
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
    return (this.logscale ? toLogscale(x) : x).add(this.shift.to(x.device)).mul(this.scale.to(x.device));
  }

  override denormalize(y: Tensor): Tensor {
    requireTensor(y, this);
    const x = y.mul(this.scale.reciprocal().to(y.device)).sub(this.shift.to(y.device));
    return this.logscale ? fromLogscale(x) : x;
  }
}

register("noether.data.preprocessors.normalizers.ShiftAndScaleNormalizer", { class: ShiftAndScaleNormalizer });

function requireTensor(x: unknown, owner: PreProcessor): void {
  if (!(x instanceof Tensor))
    throw new TypeError(
      `expected a tensor in ${owner.constructor.name} "${owner.normalizationKey}", received ${typeof x}`,
    );
}
