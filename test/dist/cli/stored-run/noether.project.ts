/** The classes of the recorded run (test/golden/training) under the names that they have in its config. */
import { join } from "node:path";
import { register } from "noether-ts/config";
import { DatasetBaseConfig, int, Model } from "noether-ts/core";
import { Dataset } from "noether-ts/data";
import { AnchorBranchedUPTConfig, AnchoredBranchedUPT } from "noether-ts/modeling";
import { Generator, keep, loadSafetensors, randn, type Tensor } from "noether-ts/torch";

const batches = keep(loadSafetensors(join(__dirname, "../../../golden/training/batches.safetensors")).tensors);

const RecordedConfig = DatasetBaseConfig.extend("RecordedConfig", { fields: { start: int(), count: int() } });

/** Batches of the record one after the other from `start` on, each as one sample, whatever index is asked for. */
class Recorded extends Dataset<any> {
  static readonly schema = RecordedConfig;

  constructor(config: any) {
    super(config);
    for (const name of ["geometry_position", "geometry_supernode_idx", "geometry_batch_idx", "surface_anchor_position", "volume_anchor_position"])
      this.#read(name, name);
    for (const name of ["surface_pressure", "volume_velocity"]) this.#read(`${name}_target`, `target.${name}`);
  }

  #read(property: string, name: string): void {
    let next: number = this.config.start;
    this.addGetter(property, () => batches.get(`${next++}.${name}`)!.clone());
  }

  override get length(): number {
    return this.config.count;
  }
}

class ABUPT extends Model {
  static readonly schema = AnchorBranchedUPTConfig;
  readonly abUpt: AnchoredBranchedUPT;

  constructor(config: any, dependencies: any) {
    super(config, dependencies);
    this.abUpt = new AnchoredBranchedUPT(config);
  }

  /** Samples are whole batches, so that there is one dimension too many. */
  override forward(inputs: any): any {
    return this.abUpt.forward(Object.fromEntries(Object.entries(inputs).map(([key, value]) => [key, (value as Tensor).squeeze(0)])) as never);
  }
}

const PointsConfig = DatasetBaseConfig.extend("PointsConfig", { fields: {} });

/** Points of a surface and around it, and fields at them. */
class Points extends Dataset<any> {
  static readonly schema = PointsConfig;

  constructor(config: any) {
    super(config);
    const channels = { surface_position: 3, volume_position: 3, surface_pressure_target: 1, volume_velocity_target: 3 };
    for (const [name, count] of Object.entries(channels))
      this.addGetter(name, (index) => randn([5, count], { generator: new Generator().manualSeed(index) })); // (N, C)
  }

  override get length(): number {
    return 2;
  }
}

register("recorded.datasets.Points", { class: Points as never });
register("recorded.datasets.Recorded", { class: Recorded as never });
register("recorded.model.ABUPT", { class: ABUPT as never });
