import type { z } from "zod";
import { findKind, unknownKindMessage } from "../../config/registry";
import {
  type AnyConfigClass,
  choice,
  type Fields,
  isConfigClass,
  literalValues,
  type Problem,
  smartUnion,
  type FieldType,
} from "../../config/schema";
import { CallBackBaseConfig } from "../../core/callbacks/base-config";
import { BestCheckpointCallbackConfig } from "../../core/callbacks/checkpoint/best-checkpoint";
import { CheckpointCallbackConfig } from "../../core/callbacks/checkpoint/checkpoint";
import { EmaCallbackConfig } from "../../core/callbacks/checkpoint/ema";
import { PeriodicDataIteratorCallbackConfig } from "../../core/callbacks/data-iterator";
import { OnlineLossCallbackConfig } from "../../core/callbacks/default/online-loss";
import { FixedEarlyStopperConfig } from "../../core/callbacks/early-stoppers/fixed";
import { MetricEarlyStopperConfig } from "../../core/callbacks/early-stoppers/metric";
import { BestMetricCallbackConfig } from "../../core/callbacks/online/best-metric";
import { TrackAdditionalOutputsCallbackConfig } from "../../core/callbacks/online/track-outputs";
import { OfflineLossCallbackConfig } from "./offline-loss";

/**
 * Configs that are found by their `name` or their keys alone, in the order that breaks ties: those of the Python
 * framework, which reads configs without a kind. A new callback is found by its kind and is not listed here.
 */
export const callbackConfigs: readonly AnyConfigClass[] = [
  CallBackBaseConfig,
  BestCheckpointCallbackConfig,
  CheckpointCallbackConfig,
  EmaCallbackConfig,
  OnlineLossCallbackConfig,
  BestMetricCallbackConfig,
  TrackAdditionalOutputsCallbackConfig,
  OfflineLossCallbackConfig,
  MetricEarlyStopperConfig,
  FixedEarlyStopperConfig,
  PeriodicDataIteratorCallbackConfig,
];

const byKeys = smartUnion(callbackConfigs);

/** Whether a config class has this literal `name`; undefined when it has no literal. */
function isNamed(type: AnyConfigClass, name: unknown): boolean | undefined {
  return literalValues((type.fields as Fields)["name"]!)?.includes(name as string);
}

function chooseCallback({ kind, name }: Record<string, unknown>, problem: Problem): FieldType | undefined {
  const entry = typeof kind === "string" ? findKind(kind) : undefined;
  if (typeof kind === "string" && kind.trim() !== "" && !entry) {
    problem(unknownKindMessage(kind), "kind");
    return undefined;
  }
  const ofKind = entry?.schema;
  if (ofKind && (name === undefined || !isConfigClass(ofKind) || (isNamed(ofKind, name) ?? true))) return ofKind;
  return callbackConfigs.find((member) => isNamed(member, name)) ?? byKeys;
}

/**
 * One entry of `trainer.callbacks`. The schema is the one registered for `kind`; where `name` says another one, that;
 * without either, the member that takes the most keys. (The Python framework looks at `name` and keys only, so that a
 * `CheckpointCallback` without options validates as the base class and fails later.)
 */
export const CallbacksConfig = choice<CallBackBaseConfig, z.input<typeof CallBackBaseConfig>>({
  expected: "a mapping (a callback)",
  among: { base: CallBackBaseConfig },
  choose: chooseCallback,
});
export type CallbacksConfig = CallBackBaseConfig;
