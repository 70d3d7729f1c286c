export { InitializerBase, type InitializerDependencies } from "./base";
export { createInitializer } from "./create-initializer";
export { AnyInitializer, InitializerConfig } from "./initializer-config";
