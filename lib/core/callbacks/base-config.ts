import type { z } from "zod";
import { defineConfig, int, optional, str, tag } from "../../config/schema";

/** Fields of every callback. Unknown keys are errors; exactly one interval is set. */
export const CallBackBaseConfig = defineConfig("CallBackBaseConfig", {
  extra: "forbid",
  fields: {
    /** Names the config class (not the callback); each subclass has its own. */
    name: tag("BaseCallbacksConfig"),
    /** Callback class. */
    kind: optional(str()),
    /** Key of a stateful callback's state in checkpoints; tells several of one class apart. */
    id: optional(str()),
    /** Interval; exactly one of the three is given. */
    every_n_epochs: optional(int({ gt: 0 })),
    /** The same in optimizer steps. */
    every_n_updates: optional(int({ gt: 0 })),
    /** The same in samples; needs batch_size. */
    every_n_samples: optional(int({ gt: 0 })),
    /** Batch size of the callback's own data, per process; null: that of training. */
    batch_size: optional(int({ gt: 0 })),
  },
  check: (config, complain) => {
    if (config.kind !== null && config.kind.trim() === "")
      complain("expected a class name, received a blank string", "kind");
    const intervals = [config.every_n_epochs, config.every_n_updates, config.every_n_samples].filter((n) => n !== null);
    if (intervals.length !== 1) {
      complain(
        `expected exactly one of every_n_epochs, every_n_updates and every_n_samples, received ${intervals.length || "none"}`,
      );
    }
    if (config.every_n_samples !== null && config.batch_size === null) complain("every_n_samples needs batch_size");
  },
});
export type CallBackBaseConfig = z.output<typeof CallBackBaseConfig>;
