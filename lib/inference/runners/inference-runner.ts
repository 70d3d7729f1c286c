import type { ComposedConfig } from "../../config";
import { findKind } from "../../config/registry";
import { loadUserKinds } from "../../config/factory/load-kind";
import { isConfigClass, isMapping } from "../../config/schema";
import { HydraRunner, type Experiment, type RunnerOptions, type SetupOptions } from "../../training/runners";

/** Evaluates a finished run: reads its weights only and runs the callbacks once. */
export class InferenceRunner extends HydraRunner {
  protected override readonly purpose = { resumeWith: "weights" } as const;

  override async run(composed: ComposedConfig, options: RunnerOptions = {}): Promise<Experiment> {
    return super.run(await asEvaluation(composed), options);
  }

  override async main(options: SetupOptions): Promise<Experiment> {
    return super.main({ ...options, resumeWith: "weights" });
  }

  protected override async execute({ trainer, model }: Experiment): Promise<void> {
    await trainer.eval(model);
  }
}

/** A composed config in which callbacks of an evaluation may leave out their interval. */
export async function asEvaluation(composed: ComposedConfig): Promise<ComposedConfig> {
  // their schemas tell which callbacks have an interval; what cannot be loaded is reported with everything else
  await loadUserKinds(composed.plain, undefined, () => {});
  return { ...composed, plain: withIntervals(composed.plain) };
}

const INTERVALS = ["every_n_epochs", "every_n_updates", "every_n_samples"] as const;

/** The config with an interval for callbacks that have none: in an evaluation all run once, whatever their interval. */
export function withIntervals(plain: Record<string, unknown>): Record<string, unknown> {
  const { trainer } = plain;
  if (!isMapping(trainer) || !Array.isArray(trainer["callbacks"])) return plain;
  return { ...plain, trainer: { ...trainer, callbacks: (trainer["callbacks"] as unknown[]).map(withInterval) } };
}

function withInterval(callback: unknown): unknown {
  if (!isMapping(callback)) return callback;
  const inner = callback["eval_callbacks"];
  const own = Array.isArray(inner) ? { ...callback, eval_callbacks: inner.map(withInterval) } : callback;
  if (INTERVALS.some((key) => own[key] !== undefined && own[key] !== null)) return own;
  const schema = typeof own["kind"] === "string" ? findKind(own["kind"])?.schema : undefined;
  return isConfigClass(schema) && "every_n_epochs" in (schema.fields as object) ? { ...own, every_n_epochs: 1 } : own;
}
