import { defineConfig, int, optional, str, type ConfigOf } from "noether-ts/core";
import {
  DefaultCollator,
  MultiStagePipeline,
  PointSamplingSampleProcessor,
  RenameKeysSampleProcessor,
} from "noether-ts/data";

export const FlowPipelineConfig = defineConfig("FlowPipelineConfig", {
  extra: "forbid",
  fields: {
    kind: str(),
    /** Random points of each case. */
    num_points: int({ ge: 1 }),
    /** The same points each time; null: new ones in every epoch. */
    seed: optional(int()),
  },
});

/** From cases to batches: chooses points, names the fields as targets, stacks. */
export class FlowPipeline extends MultiStagePipeline {
  static readonly schema = FlowPipelineConfig;

  constructor({ num_points, seed }: ConfigOf<typeof FlowPipelineConfig>) {
    super({
      sample_processors: [
        new PointSamplingSampleProcessor({ items: ["position", "velocity", "pressure"], num_points, seed }),
        new RenameKeysSampleProcessor({ key_map: { velocity: "velocity_target", pressure: "pressure_target" } }),
      ],
      collators: [new DefaultCollator({ items: ["position", "condition", "velocity_target", "pressure_target"] })],
    });
  }
}
