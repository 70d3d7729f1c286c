import type { z } from "zod";
import { suggestNames } from "../../config/nearest-names";
import { findKind, unknownKindMessage } from "../../config/registry";
import {
  bool,
  choice,
  defineConfig,
  type Fields,
  float,
  int,
  isConfigClass,
  isSubclass,
  literal,
  optional,
  type ConfigClass,
  str,
  tuple,
} from "../../config/schema";
import { OPTIMIZER_WRAPPER_KEYS, OptimizerConfig } from "./optimizer-config";

/** The kind of {@link MuonComposite}. */
export const MUON_COMPOSITE = "noether.core.optimizer.MuonComposite";

/** The optimizer that {@link MuonComposite} has for parameters that are no matrices; null is the primary's value, or a default. */
export const MuonSecondaryOptimizerConfig = defineConfig("MuonSecondaryOptimizerConfig", {
  extra: "forbid",
  fields: {
    /** Null: `noether.core.optimizer.Lion`. */
    kind: optional(str()),
    /** Learning rate. */
    lr: optional(float({ gt: 0 })),
    /** Decoupled weight decay. */
    weight_decay: optional(float({ ge: 0 })),
    /** For optimizers with one momentum. */
    momentum: optional(float({ ge: 0, le: 1 })),
    /** For optimizers with two running averages. */
    betas: optional(tuple(float({ ge: 0, lt: 1 }), float({ ge: 0, lt: 1 }))),
  },
});
export type MuonSecondaryOptimizerConfig = z.output<typeof MuonSecondaryOptimizerConfig>;

const COMMON = ["kind", "lr", "weight_decay"];
const secondaries = new Map<string, ConfigClass<(typeof MuonSecondaryOptimizerConfig)["fields"]>>();

/** The config of a secondary optimizer of this kind: all of that optimizer's own options, none of another's. */
function secondaryOf(kind: string): ConfigClass<(typeof MuonSecondaryOptimizerConfig)["fields"]> | undefined {
  const schema = findKind(kind)?.schema;
  if (!isConfigClass(schema) || !isSubclass(schema, OptimizerConfig)) return undefined;
  const known = secondaries.get(kind);
  if (known !== undefined) return known;
  const shared = [...COMMON, ...OPTIMIZER_WRAPPER_KEYS];
  const own = Object.entries(schema.fields as Fields).filter(([key]) => !shared.includes(key));
  const made = MuonSecondaryOptimizerConfig.extend(`MuonSecondaryOptimizerConfig of ${kind}`, {
    fields: Object.fromEntries(own),
    check: (config, complain) => {
      const options = [...COMMON, ...own.map(([key]) => key)];
      for (const [key, value] of Object.entries(config)) {
        if (value !== null && !options.includes(key))
          complain(`"${kind}" has no option of this name; ${suggestNames(key, options)}`, key);
      }
    },
  }) as ConfigClass<(typeof MuonSecondaryOptimizerConfig)["fields"]>;
  secondaries.set(kind, made);
  return made;
}

const secondary = choice<MuonSecondaryOptimizerConfig, z.input<typeof MuonSecondaryOptimizerConfig>>({
  expected: `a mapping (${MuonSecondaryOptimizerConfig.configName})`,
  choose: (input, problem) => {
    const kind = input["kind"] ?? "noether.core.optimizer.Lion";
    if (typeof kind !== "string") return MuonSecondaryOptimizerConfig;
    const type = kind === MUON_COMPOSITE ? undefined : secondaryOf(kind);
    if (findKind(kind) === undefined) problem(unknownKindMessage(kind), "kind");
    else if (type === undefined) {
      problem(
        `expected an optimizer for parameters of any shape, such as "torch.optim.AdamW", received "${kind}"`,
        "kind",
      );
    }
    return type;
  },
});

/** Config of {@link MuonComposite}; options that are absent or null are left to the class. */
export const MuonOptimizerConfig = OptimizerConfig.extend("MuonOptimizerConfig", {
  fields: {
    /** Decay of the running mean of the gradient; null: 0.95. */
    momentum: optional(float({ ge: 0, le: 1 })),
    /** The optimizer of all parameters that are no matrices; null: Lion with this learning rate and weight decay. */
    secondary: optional(secondary),
    /** Look ahead along the momentum; null: yes. */
    nesterov: optional(bool()),
    /** Newton–Schulz iterations; null: 5. */
    ns_steps: optional(int({ ge: 1, le: 99 })),
    /** How the learning rate of a matrix depends on its shape; null: as `original`. */
    adjust_lr_fn: optional(literal("original", "match_rms_adamw")),
  },
});
export type MuonOptimizerConfig = z.output<typeof MuonOptimizerConfig>;
