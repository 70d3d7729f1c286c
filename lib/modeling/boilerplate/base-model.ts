import type { z } from "zod";
import { register } from "../../config/registry";
import { Model, type ModelOptions } from "../../core/models";
import { bool, float, int, literal, optional, validateConfig, type FieldType } from "../../config/schema";
import { ModelBaseConfig } from "../../core/models/model-base-config";
import { nn, scope } from "../../torch";
import type { Tensor } from "../../torch";

const ACTIVATIONS = {
  relu: nn.ReLU,
  gelu: nn.GELU,
  tanh: nn.Tanh,
  sigmoid: nn.Sigmoid,
  leaky_relu: nn.LeakyReLU,
} as const;

/** Config of {@link BaseModel}. */
export const BaseModelConfig = ModelBaseConfig.extend("BaseModelConfig", {
  fields: {
    /** Channels of the input. */
    input_dim: int({ ge: 1 }),
    /** Channels of the hidden layers. */
    hidden_dim: int({ ge: 1 }),
    /** Channels of the output. */
    output_dim: int({ ge: 1 }),
    /** Linear layers have an offset. */
    bias: bool().default(true),
    /** Layers between the input's and the output's. */
    num_hidden_layers: int({ ge: 0 }).default(0),
    /** Between the layers. */
    activation_function: literal("relu", "gelu", "tanh", "sigmoid", "leaky_relu").default("gelu"),
    /** Hidden layers add to what they are given. */
    use_skip_connections: bool().default(false),
    /** Share of the channels that is set to 0 in training. */
    dropout: float({ ge: 0, le: 1 }).default(0),
    /** Norm of the hidden layers; null: none. */
    norm_layer: optional(literal("layer_norm", "batch_norm", "instance_norm", "group_norm")),
  },
  check({ norm_layer }, report) {
    if (norm_layer === "instance_norm" || norm_layer === "group_norm") {
      report("must be layer_norm, batch_norm or null: a hidden vector has no instances or groups", "norm_layer");
    }
  },
});
export type BaseModelConfig = z.output<typeof BaseModelConfig>;

/**
 * The perceptron of the boilerplate project: input layer, hidden layers, output layer.
 *
 * Shapes: (B, input_dim) → (B, output_dim). A hidden layer is linear, norm, activation, dropout and the activation once more.
 */
export class BaseModel extends Model {
  static readonly schema: FieldType = BaseModelConfig;
  readonly inputProjection: nn.Linear;
  readonly outputProjection: nn.Linear;
  readonly hiddenLayers: nn.ModuleList<nn.Sequential>;
  private readonly activation: { forward(x: Tensor): Tensor };
  private readonly useSkipConnections: boolean;

  constructor(config: z.input<typeof BaseModelConfig>, options: ModelOptions = {}) {
    const parsed = validateConfig(BaseModelConfig, config);
    super(parsed, options);
    const { input_dim, hidden_dim, output_dim, bias, dropout } = parsed;
    const activation = () => new ACTIVATIONS[parsed.activation_function]();
    const norm = () => {
      if (parsed.norm_layer === "layer_norm") return new nn.LayerNorm(hidden_dim);
      return parsed.norm_layer === "batch_norm" ? new nn.BatchNorm1d(hidden_dim) : new nn.Identity();
    };
    this.inputProjection = new nn.Linear(input_dim, hidden_dim, { bias });
    this.outputProjection = new nn.Linear(hidden_dim, output_dim, { bias });
    const hidden = Array.from(
      { length: parsed.num_hidden_layers },
      () =>
        new nn.Sequential(
          new nn.Linear(hidden_dim, hidden_dim, { bias }),
          norm(),
          activation(),
          new nn.Dropout(dropout),
        ),
    );
    this.hiddenLayers = new nn.ModuleList(hidden);
    this.activation = activation();
    this.useSkipConnections = parsed.use_skip_connections;
  }

  override forward(x: Tensor): Tensor {
    return scope(() => {
      let hidden: Tensor = this.activation.forward(this.inputProjection.forward(x)); // (B, D)
      for (const layer of this.hiddenLayers) {
        const update: Tensor = this.activation.forward(layer.forward(hidden));
        hidden = this.useSkipConnections ? hidden.add(update) : update;
      }
      return this.outputProjection.forward(hidden);
    });
  }
}

register("boilerplate_project.models.BaseModel", { class: BaseModel });
