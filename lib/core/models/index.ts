import { register } from "../factory/registry";
import { ModelBaseConfig } from "../schemas/model-base";

export { type InitializeOptions, ModelBase, type ModelDependencies } from "./base";
export { CompositeModel } from "./composite";
export { Model, type ModelOptions } from "./model";

register("noether.core.schemas.models.base.ModelBaseConfig", { schema: ModelBaseConfig });
