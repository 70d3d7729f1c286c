import type { z } from "zod";
import { register } from "../../config/registry";
import { ModelDataSpecs } from "../../core/data-specs/model-data-specs";
import { AeroStatsSchema } from "../../data/stats/aero-stats";
import { optional, registered } from "../../config/schema";
import { ConfigSchema } from "../runners/config-schema";
import { AutomotiveAerodynamicsCfdTrainerConfig } from "./trainer";

/** Root config of the aerodynamics experiments. */
export const TutorialConfigSchema = ConfigSchema.extend("TutorialConfigSchema", {
  fields: {
    /** Inputs and targets of the data set. */
    data_specs: ModelDataSpecs,
    /** Mean and deviation of fields, for normalizers and pipelines. */
    dataset_statistics: optional(AeroStatsSchema),
    /** The trainer. */
    trainer: registered(AutomotiveAerodynamicsCfdTrainerConfig),
  },
});
export type TutorialConfigSchema = z.output<typeof TutorialConfigSchema>;

register("tutorial.schemas.config_schema.TutorialConfigSchema", {
  schema: TutorialConfigSchema,
  aliases: ["tutorial.schemas.TutorialConfigSchema"],
});
