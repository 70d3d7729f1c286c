import { createModelInitializer, type InitializerBaseConfig, type InitializerDependencies } from "../core/initializers";
import { InitializerBase } from "./base";

/** The initializer of a configuration, for models and trainers. */
export function createInitializer(
  config: InitializerBaseConfig,
  dependencies: InitializerDependencies,
): InitializerBase {
  const initializer = createModelInitializer(config, dependencies);
  if (initializer instanceof InitializerBase) return initializer;
  throw new TypeError(`expected '${config.kind}' to be an initializer (a subclass of InitializerBase), but it is not`);
}
