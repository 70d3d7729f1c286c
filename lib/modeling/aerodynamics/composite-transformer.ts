import type { z } from "zod";
import { register } from "../../config/registry";
import { CompositeModel, Model } from "../../core/models";
import type { ModelDependencies, ModelOptions } from "../../core/models";
import { bool, int, isMapping, optional, shared, str, validateConfig, type FieldType } from "../../config/schema";
import { ModelDataSpecs, totalOutputDim } from "../../core/data-specs/model-data-specs";
import { ModelBaseConfig } from "../../core/models/model-base-config";
import { cat, nn, scope } from "../../torch";
import type { Tensor } from "../../torch";
import type { RopeTable } from "../functional/rotate";
import { TransformerBlock, TransformerBlockConfig, writtenKeys } from "../modules/blocks";
import { ContinuousSincosEmbed, LinearProjection, RopeFrequency } from "../modules/layers";
import { outputFields, requireSurfaceAndVolume } from "./config";
import type { PointInputs } from "./transformer";

const BLOCKS_KIND = "tutorial.models.composite_components.CompositeTransformerBlockModel";
const MODEL_KIND = "tutorial.models.composite_transformer.CompositeTransformer";

/** Config of {@link CompositeTransformerBlockModel}. */
export const CompositeTransformerBlockConfig = ModelBaseConfig.extend("CompositeTransformerBlockConfig", {
  fields: {
    kind: str().default(BLOCKS_KIND),
    /** Number of blocks. */
    depth: int({ ge: 1 }),
    /** The blocks, all alike. */
    transformer_config: shared(TransformerBlockConfig),
    /** Output channels, with `use_output_projection`. */
    output_dim: optional(int({ ge: 1 })),
    /** Rotary positions in the blocks. */
    use_rope: bool().default(false),
    /** An MLP for surface tokens and one for volume tokens before the blocks. */
    projection_bias: bool().default(false),
    /** Layer norm and a linear layer after the blocks. */
    use_output_projection: bool().default(false),
  },
  check(config, report) {
    if (config.use_output_projection && config.output_dim === null)
      report("use_output_projection needs it", "output_dim");
    if (config.use_rope !== config.transformer_config.use_rope) {
      report(
        `must be use_rope of the part (${config.use_rope}), got ${config.transformer_config.use_rope}`,
        "transformer_config",
        "use_rope",
      );
    }
  },
});
export type CompositeTransformerBlockConfig = z.output<typeof CompositeTransformerBlockConfig>;

/** Config of {@link CompositeTransformer}. */
export const CompositeTransformerConfig = ModelBaseConfig.extend("CompositeTransformerConfig", {
  fields: {
    kind: str().default(MODEL_KIND),
    /** Rotary positions in both parts. */
    use_rope: bool().default(true),
    /** First part: blocks before the high-level ones. */
    low_level_blocks: CompositeTransformerBlockConfig,
    /** Second part, with the output projection. */
    high_level_blocks: CompositeTransformerBlockConfig,
    /** For the blocks of both parts, where these do not say it themselves. No other key of the model reaches its parts. */
    num_heads: optional(int({ ge: 1 })),
    /** Channels of a token. */
    hidden_dim: optional(int({ ge: 1 })),
    /** Channels inside of an MLP are this times `hidden_dim`. */
    mlp_expansion_factor: optional(int({ ge: 1 })),
    /** Fields that are predicted, and positions and features that are given. */
    data_specs: ModelDataSpecs,
  },
  prepare: (raw) => ({
    ...raw,
    low_level_blocks: completePart(raw, "low_level_blocks", { projection_bias: true }),
    high_level_blocks: completePart(raw, "high_level_blocks", {
      use_output_projection: true,
      output_dim: outputChannels(raw["data_specs"]),
    }),
  }),
  check(config, report) {
    requireSurfaceAndVolume(config, report);
    const [low, high] = [config.low_level_blocks.transformer_config, config.high_level_blocks.transformer_config];
    for (const key of ["hidden_dim", "num_heads"] as const) {
      if (low[key] !== high[key]) report(`must be the same in both parts, got ${low[key]} and ${high[key]}`, key);
    }
    if (!config.high_level_blocks.use_output_projection)
      report("must be true", "high_level_blocks", "use_output_projection");
  },
});
export type CompositeTransformerConfig = z.output<typeof CompositeTransformerConfig>;

/** A part with what its place in the model says: the layers before or after its blocks, and the size of the blocks. */
function completePart(raw: Record<string, unknown>, name: string, layers: Record<string, unknown>): unknown {
  const part = raw[name];
  if (!isMapping(part)) return part;
  const written: Record<string, unknown> = { use_rope: raw["use_rope"] ?? true, ...writtenKeys(part) };
  const { use_rope, transformer_config, ...rest } = written;
  if (rest["output_dim"] === null) delete rest["output_dim"];
  const blocks = { use_rope, ...pickGiven(raw, ["hidden_dim", "num_heads", "mlp_expansion_factor"]) };
  const own = transformer_config ?? {};
  return {
    name,
    ...layers,
    ...rest,
    use_rope,
    transformer_config: isMapping(own) ? { ...blocks, ...writtenKeys(own) } : own,
  };
}

function pickGiven(raw: Record<string, unknown>, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(keys.filter((key) => raw[key] != null).map((key) => [key, raw[key]]));
}

/** Channels of all outputs; undefined for data specs that are refused anyway. */
function outputChannels(dataSpecs: unknown): number | undefined {
  const { data } = ModelDataSpecs.safeParse(dataSpecs);
  return data && totalOutputDim(data);
}

/** One part of {@link CompositeTransformer}: blocks with an optimizer of their own. */
export class CompositeTransformerBlockModel extends Model {
  static readonly schema: FieldType = CompositeTransformerBlockConfig;
  readonly blocks: nn.ModuleList<TransformerBlock>;
  readonly surfaceBias: nn.Sequential | null;
  readonly volumeBias: nn.Sequential | null;
  readonly norm: nn.LayerNorm | null;
  readonly outputProjection: LinearProjection | null;

  constructor(config: z.input<typeof CompositeTransformerBlockConfig>, options: ModelOptions = {}) {
    const parsed = validateConfig(CompositeTransformerBlockConfig, config);
    super(parsed, options);
    const { depth, transformer_config, output_dim, projection_bias, use_output_projection } = parsed;
    const { hidden_dim, init_weights } = transformer_config;
    const linear = (dim: number) => new LinearProjection({ input_dim: hidden_dim, output_dim: dim, init_weights });
    const biasLayers = () =>
      projection_bias ? new nn.Sequential(linear(hidden_dim), new nn.GELU(), linear(hidden_dim)) : null;
    this.blocks = new nn.ModuleList(Array.from({ length: depth }, () => new TransformerBlock(transformer_config)));
    this.surfaceBias = biasLayers();
    this.volumeBias = biasLayers();
    this.norm = use_output_projection ? new nn.LayerNorm(hidden_dim, { eps: 1e-6 }) : null;
    this.outputProjection = use_output_projection ? linear(output_dim!) : null;
  }

  /** @param inputs.x tokens (B, N, D), the first `surfaceCount` of them on the surface */
  override forward(inputs: { x: Tensor; surfaceCount: number; freqs?: RopeTable }): Tensor {
    const { surfaceCount, freqs } = inputs;
    let { x } = inputs;
    if (this.surfaceBias && this.volumeBias) {
      const [surface, volume] = x.splitWithSizes([surfaceCount, x.size(1) - surfaceCount], 1) as [Tensor, Tensor];
      x = cat([this.surfaceBias.forward(surface), this.volumeBias.forward(volume)], 1);
    }
    for (const block of this.blocks) x = block.forward(x, { attnKwargs: { freqs } });
    return this.norm && this.outputProjection ? this.outputProjection.forward(this.norm.forward(x)) : x;
  }
}

/** A transformer in two parts that are trained by optimizers of their own. */
export class CompositeTransformer extends CompositeModel {
  static readonly schema: FieldType = CompositeTransformerConfig;
  readonly rope: RopeFrequency | null;
  readonly posEmbed: ContinuousSincosEmbed;
  readonly lowLevelBlocks: CompositeTransformerBlockModel;
  readonly highLevelBlocks: CompositeTransformerBlockModel;
  private readonly specs: ModelDataSpecs;

  constructor(config: z.input<typeof CompositeTransformerConfig>, dependencies: ModelDependencies = {}) {
    const parsed = validateConfig(CompositeTransformerConfig, config);
    super(parsed, dependencies);
    const { hidden_dim, num_heads } = parsed.low_level_blocks.transformer_config;
    const input_dim = parsed.data_specs.position_dim;
    this.rope = parsed.use_rope
      ? new RopeFrequency({ hidden_dim: hidden_dim / num_heads, input_dim, implementation: "real" })
      : null;
    this.posEmbed = new ContinuousSincosEmbed({ hidden_dim, input_dim });
    this.lowLevelBlocks = new CompositeTransformerBlockModel(parsed.low_level_blocks, dependencies);
    this.highLevelBlocks = new CompositeTransformerBlockModel(parsed.high_level_blocks, dependencies);
    this.specs = parsed.data_specs;
  }

  override get submodels(): Record<string, Model> {
    return { low_level_blocks: this.lowLevelBlocks, high_level_blocks: this.highLevelBlocks };
  }

  override forward({ surface_position, volume_position }: PointInputs): Record<string, Tensor> {
    return scope(() => {
      const position = cat([surface_position, volume_position], 1); // (B, N, P)
      const [surfaceCount, freqs] = [surface_position.size(1), this.rope?.table(position)];
      const x = this.lowLevelBlocks.forward({ x: this.posEmbed.forward(position), surfaceCount, freqs });
      const y = this.highLevelBlocks.forward({ x, surfaceCount, freqs }); // (B, N, C)
      return Object.fromEntries(
        outputFields(this.specs).map(({ name, branch, start, dim }) => {
          const [first, count] = branch === "surface" ? [0, surfaceCount] : [surfaceCount, y.size(1) - surfaceCount];
          return [name, y.narrow(1, first, count).narrow(-1, start, dim)];
        }),
      );
    });
  }
}

register(BLOCKS_KIND, { class: CompositeTransformerBlockModel });
register(MODEL_KIND, {
  class: CompositeTransformer,
  aliases: ["tutorial.model.CompositeTransformer"],
});
