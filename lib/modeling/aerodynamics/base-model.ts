import { Model } from "../../core/models";
import type { ModelOptions } from "../../core/models";
import { ValueError } from "../../config/python-errors";
import { cat, nn } from "../../torch";
import type { Tensor } from "../../torch";
import { ContinuousSincosEmbed, LinearProjection } from "../modules/layers";
import { MLP } from "../modules/mlp";
import { featureDims, outputFields, totalOutputDim } from "./config";
import type { AerodynamicsConfig, OutputField } from "./config";

/**
 * What the trainable models of the aerodynamics tutorial have in common: embedding of positions and features, an MLP per branch, and
 * the way from output channels to named fields. Tokens are those of the surface, then those of the volume.
 */
export abstract class AerodynamicsModel extends Model {
  readonly posEmbed: ContinuousSincosEmbed | LinearProjection;
  readonly surfaceBias: MLP | null = null;
  readonly volumeBias: MLP | null = null;
  readonly projectVolumeFeatures: LinearProjection | null = null;
  readonly projectSurfaceFeatures: LinearProjection | null = null;
  readonly norm: nn.LayerNorm | null = null;
  readonly out: LinearProjection | null = null;
  private readonly fields: readonly OutputField[];

  constructor(config: AerodynamicsConfig, options: ModelOptions = {}) {
    super(config, options);
    const { hidden_dim, data_specs } = config;
    const linear = (input_dim: number, output_dim: number) =>
      new LinearProjection({ input_dim, output_dim, init_weights: "truncnormal002" });
    this.posEmbed =
      config.position_projection === "sincos"
        ? new ContinuousSincosEmbed({ hidden_dim, input_dim: data_specs.position_dim })
        : linear(data_specs.position_dim, hidden_dim);
    if (config.use_bias_layers) {
      this.surfaceBias = new MLP({ input_dim: hidden_dim, hidden_dim, output_dim: hidden_dim });
      this.volumeBias = new MLP({ input_dim: hidden_dim, hidden_dim, output_dim: hidden_dim });
    }
    const features = featureDims(data_specs);
    if (data_specs.use_physics_features && features.surface + features.volume === 0) {
      throw new ValueError(
        `model '${config.name}': use_physics_features needs surface_feature_dim or volume_feature_dim in data_specs`,
      );
    }
    if (features.volume > 0) this.projectVolumeFeatures = linear(features.volume, hidden_dim);
    if (features.surface > 0) this.projectSurfaceFeatures = linear(features.surface, hidden_dim);
    if (config.use_output_projection) {
      this.norm = new nn.LayerNorm(hidden_dim, { eps: 1e-6 });
      this.out = linear(hidden_dim, totalOutputDim(data_specs));
    }
    this.fields = outputFields(data_specs);
  }

  /** Tokens (B, N, D) of both branches, each with its features added and through its MLP, where there are such. */
  protected tokens(surface: BranchInput, volume: BranchInput): Tensor {
    const branch = (
      { embedding, features }: BranchInput,
      project: LinearProjection | null,
      bias: MLP | null,
    ): Tensor => {
      if ((project !== null) !== (features !== undefined && features !== null)) {
        throw new ValueError(
          `model '${this.name}': features must be given exactly when data_specs.use_physics_features is on`,
        );
      }
      const x = project && features ? embedding.add(project.forward(features)) : embedding;
      return bias ? bias.forward(x) : x;
    };
    return cat(
      [
        branch(surface, this.projectSurfaceFeatures, this.surfaceBias),
        branch(volume, this.projectVolumeFeatures, this.volumeBias),
      ],
      1,
    );
  }

  /** Final norm and linear layer: (B, N, D) → (B, N, channels). */
  protected outputProjection(x: Tensor): Tensor {
    if (!this.norm || !this.out) throw new ValueError(`model '${this.name}': set use_output_projection: true`);
    return this.out.forward(this.norm.forward(x));
  }

  /** Channels (B, N, C) as fields, cut into surface and volume tokens. */
  protected gatherOutputs(y: Tensor, surfaceCount: number): Record<string, Tensor> {
    const outputs: Record<string, Tensor> = {};
    for (const { name, branch, start, dim } of this.fields) {
      const tokens =
        branch === "surface" ? y.narrow(1, 0, surfaceCount) : y.narrow(1, surfaceCount, y.size(1) - surfaceCount);
      outputs[name] = tokens.narrow(-1, start, dim);
    }
    return outputs;
  }
}

/** Embedded positions of a branch (B, N, D) and its features (B, N, F). */
export interface BranchInput {
  readonly embedding: Tensor;
  readonly features?: Tensor | null;
}
