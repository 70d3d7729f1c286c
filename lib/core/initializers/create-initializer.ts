import { Factory } from "../../config/factory/factory";
import type { nn } from "../../torch";
import type { PathProvider } from "../providers/path";
import { getLogger } from "../logging";
import type { InitializerBaseConfig } from "./initializer-config";

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

/** Kinds whose initializers have no arguments but their config and the path provider. */
const OF_THE_FRAMEWORK = /^noether\./;

/** The initializer of a configuration; its `kwargs` are further entries of the second argument. */
export function createModelInitializer(
  config: InitializerBaseConfig,
  dependencies: InitializerDependencies,
): ModelInitializer {
  const { kind } = config;
  const kwargs = config.kwargs ?? {};
  const taken = Object.keys(kwargs).filter((name) => name in dependencies);
  if (taken.length > 0)
    throw new TypeError(`kwargs of '${kind}': ${taken.join(", ")} comes from the run, take another name`);
  if (Object.keys(kwargs).length > 0 && OF_THE_FRAMEWORK.test(kind))
    getLogger(kind.slice(kind.lastIndexOf(".") + 1)).warning(
      "kwargs has no effect, as in the Python framework: leave it out",
    );
  const initializer = new Factory().instantiate(config, {
    ...kwargs,
    ...dependencies,
  }) as Partial<ModelInitializer> | null;
  if (typeof initializer?.initWeights !== "function" || typeof initializer.initOptimizer !== "function")
    throw new TypeError(`expected '${kind}' to be an initializer (a subclass of InitializerBase), but it is not`);
  return initializer as ModelInitializer;
}
