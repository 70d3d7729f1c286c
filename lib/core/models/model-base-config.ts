import type { z } from "zod";
import { register } from "../../config/registry";
import { bool, defineConfig, list, optional, str } from "../../config/schema";
import { AnyInitializer } from "../initializers/initializer-config";
import { fileNamePart } from "../providers/run-path";
import { AnyOptimizerConfig } from "../optimizer/optimizer-config";

/** Fields of every model. Unknown keys are errors. */
export const ModelBaseConfig = defineConfig("ModelBaseConfig", {
  extra: "forbid",
  fields: {
    /** Model class. */
    kind: str(),
    /** Part of checkpoint file names. */
    name: fileNamePart(),
    /** Null: the model is not trained. */
    optimizer_config: optional(AnyOptimizerConfig),
    /** Weights from earlier runs, applied in order after initialisation. */
    initializers: optional(list(AnyInitializer)),
    /** Keeps the weights as they are: no gradients, no optimizer. */
    is_frozen: optional(bool()).default(false),
    /** Batch keys handed to the model. */
    forward_properties: optional(list(str())).default(() => []),
  },
});
export type ModelBaseConfig = z.output<typeof ModelBaseConfig>;

register("noether.core.schemas.models.base.ModelBaseConfig", { schema: ModelBaseConfig });
