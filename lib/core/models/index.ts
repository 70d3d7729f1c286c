/** A module with its optimizer, schedules and initializers. */
export { type InitializeOptions, ModelBase, type ModelDependencies } from "./base";
export { CompositeModel } from "./composite";
export { copyParams, updateEma, type UpdateEmaOptions } from "./copy-params";
export { Model, type ModelOptions } from "./model";
export { ModelBaseConfig } from "./model-base-config";
export { computeModelNorm } from "./model-norm";
export { selectWithPath } from "./select-with-path";
