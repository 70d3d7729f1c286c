import { lookupKind } from "../factory/registry";
import type { InitializerConfig } from "../schemas/initializers";
import { InitializerBase, type InitializerDependencies } from "./base";

/** The initializer of a configuration. */
export function createInitializer(config: InitializerConfig, dependencies: InitializerDependencies): InitializerBase {
  const type = lookupKind(config.kind).class as new (
    config: InitializerConfig,
    dependencies: InitializerDependencies,
  ) => unknown;
  const initializer = new type(config, dependencies);
  if (!(initializer instanceof InitializerBase)) {
    throw new TypeError(
      `expected '${config.kind}' to be an initializer (a subclass of InitializerBase), but it is none`,
    );
  }
  return initializer;
}
