import { Factory } from "../../config/factory/factory";
import type { nn } from "../../torch";
import type { PathProvider } from "../providers/path";
import type { InitializerConfig } from "./initializer-config";

/** What an initializer is built with. */
export interface InitializerDependencies {
  readonly pathProvider: PathProvider;
}

/** What a model asks of an initializer; the base class of all is `InitializerBase` in `lib/initializers`. */
export interface ModelInitializer {
  /** Sets the weights. */
  initWeights(model: nn.Module): void;
  /** Sets the state of the optimizer. */
  initOptimizer(model: nn.Module): void;
}

/** The initializer of a configuration. */
export function createModelInitializer(
  config: InitializerConfig,
  dependencies: InitializerDependencies,
): ModelInitializer {
  const initializer = new Factory().instantiate(config, { ...dependencies }) as Partial<ModelInitializer> | null;
  if (typeof initializer?.initWeights !== "function" || typeof initializer.initOptimizer !== "function")
    throw new TypeError(
      `expected '${config.kind}' to be an initializer (a subclass of InitializerBase), but it is not`,
    );
  return initializer as ModelInitializer;
}
