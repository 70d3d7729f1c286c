import { Model, ModelBaseConfig, int, type ConfigOf, type ModelOptions } from "noether-ts/core";
import { cat, nn, type Tensor } from "noether-ts/torch";

export const PointMlpConfig = ModelBaseConfig.extend("PointMlpConfig", {
  fields: {
    hidden_dim: int({ ge: 1 }),
    num_hidden_layers: int({ ge: 0 }).default(2),
  },
});

/** What the model predicts. */
export type Fields = { velocity: Tensor; pressure: Tensor };

/** The fields at each point, from its position and the condition of its case. Points do not see each other. */
export class PointMlp extends Model {
  static readonly schema = PointMlpConfig;
  readonly layers: nn.Sequential;

  constructor(config: ConfigOf<typeof PointMlpConfig>, options: ModelOptions = {}) {
    super(config, options);
    const { hidden_dim, num_hidden_layers } = config;
    const hidden = Array.from({ length: num_hidden_layers }, () => [
      new nn.Linear(hidden_dim, hidden_dim),
      new nn.GELU(),
    ]);
    this.layers = new nn.Sequential(
      new nn.Linear(4, hidden_dim),
      new nn.GELU(),
      ...hidden.flat(),
      new nn.Linear(hidden_dim, 3),
    );
  }

  /** position (B, N, 2), condition (B, 2) -> velocity (B, N, 2), pressure (B, N, 1) */
  override forward({ position, condition }: { position: Tensor; condition: Tensor }): Fields {
    const [batch, points] = position.shape as [number, number, number];
    const conditions = condition.unsqueeze(1).expand([batch, points, 2]); // (B, N, 2)
    const output = this.layers.forward(cat([position, conditions], -1)); // (B, N, 3)
    return { velocity: output.narrow(-1, 0, 2), pressure: output.narrow(-1, 2, 1) };
  }
}
