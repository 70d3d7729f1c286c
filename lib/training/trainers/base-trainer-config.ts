import type { z } from "zod";
import { bool, defineConfig, int, list, literal, optional, str } from "../../config/schema";
import { checkpointFormat } from "../../core/checkpoint-format";
import { AnyInitializer } from "../../core/initializers/initializer-config";
import { CallbacksConfig } from "../callbacks/any-callback";

/** `trainer` of the root config. Unknown keys are errors. */
export const BaseTrainerConfig = defineConfig("BaseTrainerConfig", {
  extra: "forbid",
  fields: {
    /** Trainer class. */
    kind: str(),
    /** Length of the run; one of max_epochs, max_updates and max_samples has to be given. */
    max_epochs: optional(int()),
    /** The same in optimizer steps. */
    max_updates: optional(int()),
    /** The same in samples. */
    max_samples: optional(int()),
    /** Counters and schedules start here; not together with an initializer. */
    start_at_epoch: optional(int()),
    /** Adds those that log losses, learning rates, times and progress. */
    add_default_callbacks: optional(bool()).default(true),
    /** Adds those that the trainer's class has. */
    add_trainer_callbacks: optional(bool()).default(true),
    /** Samples per optimizer step over all processes. */
    effective_batch_size: int(),
    /** Autocast type of forward passes; parameters stay float32. */
    precision: literal("float32", "fp32", "float16", "fp16", "bfloat16", "bf16").default("float32"),
    /** What happens during training, by `kind`; may be null (required). */
    callbacks: list(CallbacksConfig).nullable(),
    /** Where the state of training comes from, by its `kind`. */
    initializer: optional(AnyInitializer),
    /** Interval of the lines that the console prints. Default: a hundredth of the run. */
    log_every_n_epochs: optional(int({ ge: 1 })),
    /** The same in updates; at most one of the three. */
    log_every_n_updates: optional(int({ ge: 1 })),
    /** The same in samples. */
    log_every_n_samples: optional(int({ ge: 1 })),
    /** Interval of the metrics of the default callbacks. Default: a five-hundredth of the run. */
    track_every_n_epochs: optional(int({ ge: 1 })),
    /** The same in updates; at most one of the three. */
    track_every_n_updates: optional(int({ ge: 1 })),
    /** The same in samples. */
    track_every_n_samples: optional(int({ ge: 1 })),
    /** Most samples of one forward pass over all processes; switches gradient accumulation on. */
    max_batch_size: optional(int({ ge: 1 })),
    /** Leaves out an update whose loss is NaN, instead of ending the run. */
    skip_nan_loss: bool().default(false),
    /** So many skipped updates in a row are an error after all. */
    skip_nan_loss_max_count: int({ ge: 1 }).default(100),
    /** Ignores `max_batch_size`. Default: false with `max_batch_size`, else true. */
    disable_gradient_accumulation: bool().default(true),
    /** Release of the Python framework that reads the run's checkpoints and `hp_resolved.yaml`. All are read here. */
    checkpoint_format: checkpointFormat().default("2026.4"),
    /** Ctrl-C ends training as SIGTERM does: after the update, with a checkpoint. */
    save_on_sigint: bool().default(false),
    /** Records forward pass, loss, backward pass and optimizer step once per batch shape as a CUDA graph, and replays it; see docs/capture.md. */
    capture: bool().default(false),
    /** Blocks of the model keep their inputs only, and are computed again in the backward pass: less memory, more time. */
    activation_checkpointing: bool().default(false),
    /** Means `capture`: there is no compiler. */
    use_torch_compile: bool().default(false),
    /** Of several processes: parameters may have no part in a loss, and each update looks for them. Without it such an update is an error. */
    find_unused_params: bool().default(false),
    /** Of several processes: every update uses the same parameters, some perhaps never; the first one finds out which. */
    static_graph: bool().default(false),
    /** Of several processes: each keeps the optimizer's state of its share of the parameters (ZeRO stage 1); see docs/distributed.md. */
    shard_optimizer_state: bool().default(false),
    /** Batches that each loader worker loads ahead; null: 2. */
    dataloader_prefetch_factor: optional(int({ ge: 1 })),
    /** Batch keys handed to the model. */
    forward_properties: optional(list(str())).default(() => []),
    /** Batch keys handed to the loss. */
    target_properties: optional(list(str())).default(() => []),
  },
  prepare: (raw) =>
    raw["max_batch_size"] === undefined || raw["max_batch_size"] === null
      ? raw
      : { disable_gradient_accumulation: false, ...raw },
  check: (config, complain) => {
    const lengths = [config.max_epochs, config.max_updates, config.max_samples].filter((n) => n !== null);
    if (lengths.length !== 1) {
      complain(`expected exactly one of max_epochs, max_updates and max_samples, received ${lengths.length || "none"}`);
    }
    if (!config.add_default_callbacks) return;
    for (const group of ["log", "track"] as const) {
      const given = (["epochs", "updates", "samples"] as const).filter(
        (unit) => config[`${group}_every_n_${unit}`] !== null,
      );
      if (given.length > 1)
        complain(`expected at most one of ${given.map((unit) => `${group}_every_n_${unit}`).join(" and ")}`);
    }
  },
});
export type BaseTrainerConfig = z.output<typeof BaseTrainerConfig>;
