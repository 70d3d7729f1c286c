import type { z } from "zod";
import { withSuggestion } from "../../../config/nearest-names";
import { ValueError } from "../../../config/python-errors";
import { register } from "../../../config/registry";
import { bool, list, optional, str, tag, type FieldType } from "../../../config/schema";
import { keep, nn, scope, stack, type Tensor } from "../../../torch";
import type { CallbackDependencies } from "../base";
import { CallBackBaseConfig } from "../base-config";
import { type GradientsReady, PeriodicCallback, type PeriodicCallbackContext } from "../periodic";

/** Config of {@link GradientNormCallback}. */
export const GradientNormCallbackConfig = CallBackBaseConfig.extend("GradientNormCallbackConfig", {
  fields: {
    name: tag("GradientNormCallback"),
    /** Also the norm of each parameter group of an optimizer. */
    per_group: bool().default(false),
    /** Also the norms of these modules, by their path in the model; `*` stands for one part: `physics_blocks.*`. */
    modules: optional(list(str())),
    /** Prints the mean of the total as well. */
    verbose: bool().default(true),
  },
});
export type GradientNormCallbackConfig = z.output<typeof GradientNormCallbackConfig>;

/**
 * Logs mean and largest norm of the gradients since the last time, `gradient/norm/{what}/{mean,max}/{interval}`: before
 * clipping, of whole updates, without loss scale.
 *
 * `{what}` is `total`; in a composite model also each of its models; with `per_group` also `{model}/{parameter group}`; with
 * `modules` also each module that matches. Updates that the gradient scaler leaves out because of an overflow do not count.
 */
export class GradientNormCallback extends PeriodicCallback {
  static readonly schema: FieldType = GradientNormCallbackConfig;
  readonly perGroup: boolean;
  /** Prints the mean of the total as well. */
  readonly verbose: boolean;
  readonly #modules: ReadonlyMap<string, readonly Tensor[]>;
  readonly #norms = new Map<string, Tensor[]>();

  /** @throws ValueError when an entry of `modules` matches nothing */
  constructor(config: GradientNormCallbackConfig, dependencies: CallbackDependencies) {
    super(config, dependencies);
    this.perGroup = config.per_group;
    this.verbose = config.verbose;
    this.#modules = modulesMatching(config.modules ?? [], this.model.namedParameters());
  }

  override trackBeforeOptimizerStep({ optimizers }: GradientsReady): void {
    scope(() => {
      const totals = Object.entries(optimizers).map(([name, optimizer]) => [name, optimizer.gradNorm()] as const);
      if (totals.length === 0) return;
      const norms = totals.map(([, norm]) => norm);
      this.#note("total", norms.length === 1 ? norms[0]!.clone() : nn.utils.getTotalNorm(norms));
      if (totals.length > 1) for (const [name, norm] of totals) this.#note(name, norm.clone());
      if (this.perGroup) {
        for (const [name, { paramGroups }] of Object.entries(optimizers)) {
          for (const group of paramGroups) this.#measure(`${name}/${group.name}`, group.params);
        }
      }
      for (const [path, parameters] of this.#modules) this.#measure(path, parameters);
    });
  }

  #measure(what: string, parameters: readonly Tensor[]): void {
    const gradients = parameters.flatMap((parameter) => parameter.grad ?? []);
    if (gradients.length > 0) this.#note(what, nn.utils.getTotalNorm(gradients));
  }

  #note(what: string, norm: Tensor): void {
    const list = this.#norms.get(what) ?? [];
    list.push(keep(norm));
    this.#norms.set(what, list);
  }

  override periodicCallback({ intervalType }: PeriodicCallbackContext): void {
    if (intervalType === "eval") {
      return;
    }
    const suffix = this.toShortIntervalString();
    for (const [what, list] of this.#norms) {
      const norms = this.#take(list);
      if (norms.length === 0) continue;
      const isShown = this.verbose && what === "total";
      const mean = norms.reduce((sum, norm) => sum + norm, 0) / norms.length;
      const largest = norms.reduce((a, b) => Math.max(a, b));
      this.writer.addScalar(`gradient/norm/${what}/mean/${suffix}`, mean, { logger: isShown ? this.logger : null });
      this.writer.addScalar(`gradient/norm/${what}/max/${suffix}`, largest);
    }
  }

  /** The norms as numbers; the list is empty afterwards. */
  #take(list: Tensor[]): number[] {
    if (list.length === 0) return [];
    const norms = scope(() => stack(list).to("cpu").toArray() as number[]);
    for (const norm of list) norm.dispose();
    list.length = 0;
    return this.trainer.gradScaler.isEnabled() ? norms.filter(Number.isFinite) : norms;
  }

  override afterTraining(): void {
    for (const list of this.#norms.values()) this.#take(list);
  }
}

/** Parameters by the path of their module, for every module that a pattern matches. `*` stands for one part of a path. */
function modulesMatching(
  patterns: readonly string[],
  parameters: readonly (readonly [name: string, parameter: Tensor])[],
): Map<string, Tensor[]> {
  const modules = new Map<string, Tensor[]>();
  for (const pattern of new Set(patterns)) {
    const parts = pattern.split(".");
    const matching = parameters.filter(([name]) => startsWith(name.split("."), parts));
    if (matching.length === 0) {
      const names = parameters.map(([name]) => name.split(".").slice(0, parts.length).join("."));
      throw new ValueError(
        withSuggestion(
          `GradientNormCallback: expected modules of the model, but "${pattern}" matches none`,
          pattern,
          names,
        ),
      );
    }
    const found = new Map<string, Tensor[]>();
    for (const [name, parameter] of matching) {
      const path = name.split(".").slice(0, parts.length).join(".");
      found.set(path, [...(found.get(path) ?? []), parameter]);
    }
    for (const [path, members] of found) modules.set(path, members);
  }
  return modules;
}

function startsWith(name: readonly string[], parts: readonly string[]): boolean {
  return parts.length <= name.length && parts.every((part, i) => part === "*" || part === name[i]);
}

register("noether.core.callbacks.GradientNormCallback", {
  class: GradientNormCallback,
  aliases: [
    "noether.core.callbacks.online.GradientNormCallback",
    "noether.core.callbacks.online.gradient_norm.GradientNormCallback",
  ],
});
