import { Factory } from "../../config/factory/factory";
import { InitializerBase, type InitializerDependencies } from "./base";
import type { InitializerConfig } from "./initializer-config";

/** The initializer of a configuration. */
export function createInitializer(config: InitializerConfig, dependencies: InitializerDependencies): InitializerBase {
  const initializer = new Factory().instantiate(config, { ...dependencies });
  if (!(initializer instanceof InitializerBase)) {
    throw new TypeError(
      `expected '${config.kind}' to be an initializer (a subclass of InitializerBase), but it is none`,
    );
  }
  return initializer;
}
