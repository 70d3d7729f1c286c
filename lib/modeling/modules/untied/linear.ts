import type { z } from "zod";
import { ValueError } from "../../../config/python-errors";
import { defineConfig, int, literal, validateConfig } from "../../../config/schema";
import { cat, empty, nn, noGrad } from "../../../torch";
import type { Tensor } from "../../../torch";
import { initTruncNormalZeroBias, unsupportedInit } from "../../functional/init";
import { domainOf } from "../attention/anchor-attention/tokens";
import type { TokenSpec } from "../attention/anchor-attention/tokens";
import { LinearProjectionConfig } from "../layers/linear-projection";

/**
 * How square weights (as many outputs as inputs) multiply: "consistent" as all others, `x Wᵀ`; "upstream" as release 2026.4 of the Python
 * framework does, which forgets the transpose where the groups are equal or nearly so: weights that were trained there need it.
 */
export const SquareWeights = literal("consistent", "upstream");
export type SquareWeights = z.output<typeof SquareWeights>;

/** Config of {@link UntiedLinear}. */
export const UntiedLinearConfig = defineConfig("UntiedLinearConfig", {
  extra: "forbid",
  fields: {
    /** Number of types, each with weights of its own. */
    num_types: int({ ge: 1 }),
    /** Of it, input_dim, output_dim, bias and init_weights have an effect. */
    linear_projection: LinearProjectionConfig,
    /** How square weights multiply: as all others, or as release 2026.4 of the Python framework. */
    square_weights: SquareWeights.default("consistent"),
  },
});
export type UntiedLinearConfig = z.output<typeof UntiedLinearConfig>;

/** Consecutive tokens of one domain. */
interface Segment {
  /** Number of the domain in the order of the specs. */
  readonly type: number;
  readonly start: number;
  readonly size: number;
}

/**
 * Linear map with weights for each domain: token groups of the first domain of the specs use the first weights, and so on; groups that
 * are empty or in a cache count, so that a domain has the same weights whatever is present.
 *
 * Shapes: x (B, N, in), the groups one after the other → (B, N, out).
 */
export class UntiedLinear extends nn.Module {
  /** (out, in) each. */
  readonly weight: nn.ParameterList;
  /** (out) each; null without bias. */
  readonly bias: nn.ParameterList | null;
  squareWeights: SquareWeights;
  readonly config: UntiedLinearConfig;

  constructor(config: z.input<typeof UntiedLinearConfig>) {
    super();
    this.config = validateConfig(UntiedLinearConfig, config);
    const { num_types, linear_projection, square_weights } = this.config;
    const { input_dim, output_dim, bias } = linear_projection;
    const layers = Array.from({ length: num_types }, () => new nn.Linear(input_dim, output_dim, { bias }));
    for (const layer of layers) this.reset(layer);
    this.weight = new nn.ParameterList(layers.map(({ weight }) => weight));
    this.bias = bias ? new nn.ParameterList(layers.map((layer) => layer.bias!)) : null;
    this.squareWeights = square_weights;
  }

  private reset(layer: nn.Linear): void {
    const { init_weights } = this.config.linear_projection;
    if (init_weights === "truncnormal" || init_weights === "truncnormal002") initTruncNormalZeroBias(layer);
    else if (init_weights === "zeros") noGrad(() => layer.parameters().forEach((parameter) => parameter.zero_()));
    else if (init_weights !== "torch")
      throw unsupportedInit(this, init_weights, ["torch", "truncnormal", "truncnormal002", "zeros"]);
  }

  /**
   * @param tokenSpecs token groups in the order in which they lie in the sequence
   * @throws ValueError unless the specs name as many domains as there are types, each in one piece
   */
  override forward(x: Tensor, tokenSpecs: readonly TokenSpec[]): Tensor {
    const { num_types, linear_projection } = this.config;
    const segments = segmentsOf(tokenSpecs, num_types, this.constructor.name).filter(({ size }) => size > 0);
    const total = segments.reduce((sum, { size }) => sum + size, 0);
    if (total !== x.size(1)) {
      throw new ValueError(
        `UntiedLinear: Token specs total size (${total}) must be the number of tokens (${x.size(1)})`,
      );
    }
    if (segments.length === 0) {
      return empty([x.size(0), 0, linear_projection.output_dim], { dtype: x.dtype, device: x.device });
    }
    const untransposed = this.squareWeights === "upstream" && upstreamForgetsTranspose(linear_projection, segments);
    const parts = segments.map(({ type, start, size }) => {
      const weight = this.weight.at(type);
      const part = segments.length === 1 ? x : x.narrow(1, start, size); // (B, n, in)
      return nn.functional.linear(part, untransposed ? weight.t() : weight, this.bias?.at(type) ?? null);
    });
    return parts.length === 1 ? parts[0]! : cat(parts, 1);
  }

  protected override extraRepr(): string {
    const { num_types, linear_projection } = this.config;
    return `num_types=${num_types}, in_features=${linear_projection.input_dim}, out_features=${linear_projection.output_dim}`;
  }
}

/**
 * Where the tokens of each domain lie; the domains are numbered in the order of the specs.
 *
 * @throws ValueError for a domain in two pieces, or another number of domains than `count`
 */
export function segmentsOf(specs: readonly TokenSpec[], count: number, module: string): Segment[] {
  const segments: { domain: string; start: number; size: number }[] = [];
  let start = 0;
  for (const { name, size } of specs) {
    const domain = domainOf(name);
    const last = segments.at(-1);
    if (last?.domain === domain) last.size += size ?? 0;
    else if (segments.some((segment) => segment.domain === domain))
      throw new ValueError(
        `${module}: the tokens of ${domain} must follow each other, got ${specs.map((spec) => spec.name).join(", ")}`,
      );
    else segments.push({ domain, start, size: size ?? 0 });
    start += size ?? 0;
  }
  if (segments.length !== count) {
    const domains = segments.map(({ domain }) => domain).join(", ") || "none";
    throw new ValueError(`${module}: expected tokens of ${count} domains, one for each type, got ${domains}`);
  }
  return segments.map(({ start, size }, type) => ({ type, start, size }));
}

/** Where release 2026.4 of the Python framework computes `x W` in float32: square weights and groups that it pads to one size. */
function upstreamForgetsTranspose(
  { input_dim, output_dim }: LinearProjectionConfig,
  segments: readonly Segment[],
): boolean {
  const sizes = segments.map(({ size }) => size);
  const [largest, total] = [Math.max(...sizes), sizes.reduce((sum, size) => sum + size, 0)];
  const isPadded = sizes.length * largest <= 1.1 * total;
  return input_dim === output_dim && (sizes.every((size) => size === largest) || isPadded);
}
