export { type InitializeOptions, ModelBase, type ModelDependencies } from "./base";
export { CompositeModel } from "./composite";
export { Model, type ModelOptions } from "./model";
