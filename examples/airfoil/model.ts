import { Model, type ModelOptions } from "noether-ts/core";
import { AnchorBranchedUPTConfig, AnchoredBranchedUPT, type ABUPTInputs, type Fields } from "noether-ts/modeling";

/** AB-UPT as a model of a run: the network, its optimizer and its checkpoints. */
export class AirfoilModel extends Model {
  static readonly schema = AnchorBranchedUPTConfig;
  readonly abUpt: AnchoredBranchedUPT;

  constructor(config: AnchorBranchedUPTConfig, options: ModelOptions = {}) {
    super(config, options);
    this.abUpt = new AnchoredBranchedUPT(config);
  }

  /** Normalised fields at the anchors `surface_pressure` (B, N, 1), …, and at the queries `query_surface_pressure`, … */
  override forward(inputs: ABUPTInputs): Fields {
    return this.abUpt.forward(inputs);
  }
}
