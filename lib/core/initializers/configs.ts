import type { z } from "zod";
import {
  any,
  bool,
  defineConfig,
  list,
  literal,
  mapping,
  oneOf,
  optional,
  str,
  taggedUnion,
  type AnyConfigClass,
} from "../../config/schema";

/** Initializers: weights from earlier runs (core-models-checkpoints spec 8.1). Unknown keys are errors. */

const kindOf = (name: string) => {
  const kind = `noether.core.initializers.${name}`;
  return literal(kind).default(kind) as unknown as z.ZodType<string, string | undefined>;
};

/** What every initializer that reads another run has. */
export const InitializerConfig = defineConfig("InitializerConfig", {
  extra: "forbid",
  fields: {
    kind: str().default("noether.core.initializers.PreviousRunInitializer"),
    /** Accepted and never used, as in the Python framework. */
    kwargs: optional(mapping(any())),
    /** Run to read from. A string: quote it in YAML when it looks like a number. */
    run_id: str(),
    /** Stage of that run; null: none. */
    stage_name: optional(str()),
    /** Name part of the checkpoint file; null: the model's name. */
    model_name: optional(str()),
    /** `latest`, `E1_U10_S40`, … or a mapping of `epoch`, `update`, `sample`: one of them or all. */
    checkpoint_tag: optional(oneOf(str(), mapping(any()))),
    /** Infix of the file name, e.g. `ema=0.9999`. */
    model_info: optional(str()),
  },
});
export type InitializerConfig = z.output<typeof InitializerConfig>;

/** Config of {@link CheckpointInitializer}. */
export const CheckpointInitializerConfig = InitializerConfig.extend("CheckpointInitializerConfig", {
  fields: {
    kind: kindOf("CheckpointInitializer"),
    /** Whether the optimizer's state is read, too. */
    load_optim: bool(),
    /** Accepted and never used, as in the Python framework. */
    pop_ckpt_kwargs_keys: optional(list(str())),
    /** Output root of the run to read from; null: that of the current run. */
    output_path: optional(str()),
  },
});
export type CheckpointInitializerConfig = z.output<typeof CheckpointInitializerConfig>;

/** Config of {@link ResumeInitializer}. */
export const ResumeInitializerConfig = CheckpointInitializerConfig.extend("ResumeInitializerConfig", {
  fields: {
    kind: kindOf("ResumeInitializer"),
    load_optim: bool().default(true),
    model_name: str(),
  },
});
export type ResumeInitializerConfig = z.output<typeof ResumeInitializerConfig>;

/** Config of {@link PreviousRunInitializer}. */
export const PreviousRunInitializerConfig = CheckpointInitializerConfig.extend("PreviousRunInitializerConfig", {
  fields: {
    kind: kindOf("PreviousRunInitializer"),
    load_optim: bool().default(false),
    /** State-dict keys to drop; each must be there. */
    keys_to_remove: optional(list(str())),
    /** Substrings: every key that contains one is dropped. */
    patterns_to_remove: optional(list(str())),
    /** `{ src, dst }`: every occurrence of `src` in a key becomes `dst`. */
    patterns_to_rename: optional(list(mapping(str()))),
    /** Substrings: matching keys keep the model's freshly initialised values. */
    patterns_to_instantiate: optional(list(str())),
  },
});
export type PreviousRunInitializerConfig = z.output<typeof PreviousRunInitializerConfig>;

/** An initializer of a model or trainer, chosen by its `kind`. */
export const AnyInitializer = taggedUnion(
  "kind",
  [CheckpointInitializerConfig, PreviousRunInitializerConfig, ResumeInitializerConfig],
  { open: InitializerConfig as unknown as AnyConfigClass },
) as unknown as z.ZodType<InitializerConfig, z.input<typeof InitializerConfig>>;
export type AnyInitializer = InitializerConfig;
