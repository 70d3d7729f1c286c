export { InitializerBase, type InitializerDependencies } from "./base";
export { createInitializer } from "./create-initializer";
export * from "./configs";
