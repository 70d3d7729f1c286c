/** What a model needs of initializers: their config, and how one is made. The initializers themselves are in `lib/initializers`. */
export { createModelInitializer, type InitializerDependencies, type ModelInitializer } from "./create-initializer";
export { AnyInitializer, InitializerBaseConfig, InitializerConfig } from "./initializer-config";
