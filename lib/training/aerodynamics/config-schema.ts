import type { z } from "zod";
import { register } from "../../core/factory/registry";
import { AeroDataSpecs, AeroStatsSchema } from "../../core/schemas/dataset";
import { optional } from "../../core/schemas/fields";
import { registered } from "../../core/schemas/registered";
import { ConfigSchema } from "../../core/schemas/schema";
import { AutomotiveAerodynamicsCfdTrainerConfig } from "./trainer";

/** Root config of the aerodynamics experiments (training-inference-config spec 11.5). */
export const TutorialConfigSchema = ConfigSchema.extend("TutorialConfigSchema", {
  fields: {
    /** Inputs and targets of the data set. */
    data_specs: AeroDataSpecs,
    dataset_statistics: optional(AeroStatsSchema),
    trainer: registered(AutomotiveAerodynamicsCfdTrainerConfig),
  },
});
export type TutorialConfigSchema = z.output<typeof TutorialConfigSchema>;

register("tutorial.schemas.config_schema.TutorialConfigSchema", {
  schema: TutorialConfigSchema,
  aliases: ["tutorial.schemas.TutorialConfigSchema"],
});
