import { scalarNode, type MapNode } from "../yaml/nodes";
import type { Section } from "./section";

/** What release 1.1 told a callback by, where its `kind` was left out. */
interface CallbackMark {
  readonly kind: string;
  readonly required?: readonly string[];
  readonly optional?: readonly string[];
}

/** By the `name` of their configs, in the order that breaks ties. */
const MARKS: Readonly<Record<string, CallbackMark>> = {
  BestCheckpointCallback: {
    kind: "noether.core.callbacks.BestCheckpointCallback",
    required: ["metric_key"],
    optional: ["save_frozen_weights", "tolerances", "model_names"],
  },
  CheckpointCallback: {
    kind: "noether.core.callbacks.CheckpointCallback",
    optional: ["save_weights", "save_optim", "save_latest_weights", "save_latest_optim", "model_names"],
  },
  EmaCallback: {
    kind: "noether.core.callbacks.EmaCallback",
    required: ["target_factors"],
    optional: ["model_paths", "save_weights", "save_last_weights", "save_latest_weights"],
  },
  OnlineLossCallback: { kind: "noether.core.callbacks.OnlineLossCallback", optional: ["verbose"] },
  BestMetricCallback: {
    kind: "noether.core.callbacks.BestMetricCallback",
    required: ["source_metric_key"],
    optional: ["target_metric_keys", "optional_target_metric_keys"],
  },
  TrackAdditionalOutputsCallback: {
    kind: "noether.core.callbacks.TrackAdditionalOutputsCallback",
    optional: ["keys", "patterns", "verbose", "reduce", "log_output", "save_output"],
  },
  OfflineLossCallback: {
    kind: "noether.training.callbacks.OfflineLossCallback",
    required: ["dataset_key"],
    optional: ["output_patterns_to_log"],
  },
  MetricEarlyStopper: {
    kind: "noether.core.callbacks.MetricEarlyStopper",
    required: ["metric_key", "tolerance"],
  },
};

/** What every callback has. */
const COMMON = ["name", "kind", "id", "every_n_epochs", "every_n_updates", "every_n_samples", "batch_size"];
const STOPS = ["stop_at_epoch", "stop_at_update", "stop_at_sample"];

/** Callbacks: `kind` says which one. Release 1.1 accepted entries without, and told them by their `name` or their other keys. */
export function addCallbackKinds(section: Section): void {
  const callbacks = section.get("callbacks");
  if (!section.hasField("callbacks") || !section.hasField("effective_batch_size") || callbacks?.type !== "list") return;
  for (const [index, item] of callbacks.items.entries()) {
    const kind = item.type === "map" ? item.entries.get("kind") : undefined;
    if (item.type !== "map" || (kind !== undefined && !(kind.type === "scalar" && kind.value === null))) continue;
    const found = kindOf(item);
    if (found.length === 1) {
      item.entries.set("kind", scalarNode(found[0]!, item.source));
      section.changed(`callbacks.${index}.kind`, `is "${found[0]}" by the other keys; write it`, item);
    } else {
      const which =
        found.length === 0 ? "" : `: by its keys it may be ${found.map((name) => `"${name}"`).join(" or ")}`;
      section.problem(`callbacks.${index}`, `missing "kind": expected the class of this callback${which}`, item);
    }
  }
}

/** The kinds that an entry may mean. */
function kindOf({ entries }: MapNode): string[] {
  const keys = [...entries.keys()];
  const name = entries.get("name");
  if (name?.type === "scalar" && typeof name.value === "string") {
    const mark = Object.hasOwn(MARKS, name.value) ? MARKS[name.value] : undefined;
    if (name.value === "FixedEarlyStopper") return ["noether.core.callbacks.FixedEarlyStopper"];
    return mark === undefined ? [] : [mark.kind];
  }
  if (keys.some((key) => STOPS.includes(key))) return ["noether.core.callbacks.FixedEarlyStopper"];
  const candidates = Object.values(MARKS).filter(({ required = [], optional = [] }) => {
    const own = [...required, ...optional];
    const isOwn = keys.some((key) => own.includes(key));
    return (
      isOwn && required.every((key) => keys.includes(key)) && keys.every((key) => [...own, ...COMMON].includes(key))
    );
  });
  return candidates.map(({ kind }) => kind);
}
