import { register } from "../../config/registry";
import { ModelBaseConfig } from "./model-base-config";

export { type InitializeOptions, ModelBase, type ModelDependencies } from "./base";
export { CompositeModel } from "./composite";
export { Model, type ModelOptions } from "./model";

register("noether.core.schemas.models.base.ModelBaseConfig", { schema: ModelBaseConfig });
export { ModelBaseConfig } from "./model-base-config";
export { computeModelNorm, copyParams, updateEma, type UpdateEmaOptions } from "./model-norm";
