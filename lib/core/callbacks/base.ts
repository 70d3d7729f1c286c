import { ValueError } from "../../config/python-errors";
import { toMap } from "../../torch";
import type { DataContainerLike } from "../interfaces/data";
import type { TrainerLike } from "./trainer";
import type { UpdateCounter } from "../iteration/update-counter";
import { getLogger, type Logger } from "../logging";
import type { ModelBase } from "../models/base";
import { typeName } from "../naming";
import type { MetricPropertyProvider } from "../providers/metric-property";
import type { PathProvider } from "../providers/path";
import type { BaseTracker } from "../trackers/base";
import type { CheckpointWriter } from "../writers/checkpoint-writer";
import type { MetricWriter } from "../writers/prefixed-log-writer";

/** What every callback is built with. */
export interface CallbackDependencies {
  readonly trainer: TrainerLike;
  readonly model: ModelBase;
  readonly dataContainer: DataContainerLike;
  readonly tracker: BaseTracker;
  readonly logWriter: MetricWriter;
  readonly checkpointWriter: CheckpointWriter;
  readonly metricPropertyProvider: MetricPropertyProvider;
  /** Name of the callback; part of its key in checkpoints. */
  readonly name?: string | null;
}

/** State of a callback in a checkpoint: plain data and tensors. */
export type CallbackState = ReadonlyMap<unknown, unknown> | Record<string, unknown>;

/** Something that happens before and after training. Runs without gradients; may be asynchronous. */
export abstract class CallbackBase {
  readonly trainer: TrainerLike;
  readonly model: ModelBase;
  readonly dataContainer: DataContainerLike;
  readonly tracker: BaseTracker;
  /** Takes metrics. */
  readonly writer: MetricWriter;
  readonly checkpointWriter: CheckpointWriter;
  readonly metricPropertyProvider: MetricPropertyProvider;
  readonly name: string | null;
  #logger: Logger | null = null;

  /**
   * @param config Configuration; here only its `id`, the name of the callback in checkpoints, is read.
   */
  constructor(config: { readonly id?: string | null } | null, dependencies: CallbackDependencies) {
    this.trainer = dependencies.trainer;
    this.model = dependencies.model;
    this.dataContainer = dependencies.dataContainer;
    this.tracker = dependencies.tracker;
    this.writer = dependencies.logWriter;
    this.checkpointWriter = dependencies.checkpointWriter;
    this.metricPropertyProvider = dependencies.metricPropertyProvider;
    this.name = config?.id || (dependencies.name ?? null);
  }

  /** Key of the callback's state in checkpoints. */
  get checkpointKey(): string {
    return this.name ?? typeName(this);
  }

  get logger(): Logger {
    return (this.#logger ??= getLogger(String(this)));
  }

  /** What has to survive an interruption; null: nothing. Cheap and without side effects: it is called often. */
  stateDict(): CallbackState | null {
    return null;
  }

  /** Restores what {@link stateDict} returned. */
  loadStateDict(_state: CallbackState): void {}

  /**
   * Called for every callback when a run is resumed, to read files of its own.
   *
   * @param checkpointTag Checkpoint that is resumed.
   */
  resumeFromCheckpoint(_resumptionPaths: PathProvider, _model: ModelBase, _checkpointTag: string): void {}

  /**
   * Called before a checkpoint becomes visible. A callback that keeps files under its tag, or without whose files training
   * could not continue from it, writes them now with {@link checkpointWriter}: they become visible in the same step.
   *
   * @param _checkpoint `resumable`: it holds weights, optimizer and trainer.
   */
  completeCheckpoint(_tag: string, _checkpoint: { readonly resumable: boolean }): void {}

  /** Callbacks inside of this one. */
  getChildren(): readonly CallbackBase[] {
    return [];
  }

  beforeTraining(_updateCounter: UpdateCounter): Promise<void> | void {}

  afterTraining(_updateCounter: UpdateCounter): Promise<void> | void {}

  toString(): string {
    return typeName(this);
  }
}

/**
 * @throws ValueError when two callbacks would store their state under one key.
 */
export function validateCheckpointKeys(callbacks: readonly CallbackBase[]): void {
  statefulByKey(callbacks);
}

function statefulByKey(callbacks: readonly CallbackBase[]): Map<string, CallbackBase> {
  const byKey = new Map<string, CallbackBase>();
  for (const callback of callbacks) {
    if (callback.stateDict() === null) continue;
    const key = callback.checkpointKey;
    if (byKey.has(key)) {
      throw new ValueError(
        `Two stateful callbacks share checkpoint key '${key}' (${byKey.get(key)} and ${callback}): give one of them an id`,
      );
    }
    byKey.set(key, callback);
  }
  return byKey;
}

/** State of all callbacks that have one, by key. */
export function buildCallbackStateDict(callbacks: readonly CallbackBase[]): Map<string, CallbackState> {
  const states = new Map<string, CallbackState>();
  for (const [key, callback] of statefulByKey(callbacks)) {
    states.set(key, callback.stateDict() as CallbackState);
  }
  return states;
}

/**
 * Hands stored states to callbacks: by key, or (files of old versions) by position. What fits nowhere is left out with a
 * warning.
 */
export function loadCallbackStateDicts(callbacks: readonly CallbackBase[], data: unknown, logger: Logger): void {
  const byKey = statefulByKey(callbacks);
  if (Array.isArray(data)) {
    const states = data.filter((state) => state !== null) as CallbackState[];
    if (states.length !== byKey.size) {
      throw new ValueError(
        `The number of stateful callbacks differs: the checkpoint has ${states.length}, this run ${byKey.size} (${[...byKey.keys()].join(", ") || "none"})`,
      );
    }
    [...byKey.values()].forEach((callback, i) => callback.loadStateDict(states[i] as CallbackState));
    return;
  }
  const stored = toMap<CallbackState>(data);
  const unknown = [...stored.keys()].map(String).filter((key) => !byKey.has(key));
  const missing = [...byKey.keys()].filter((key) => !stored.has(key));
  if (unknown.length > 0) {
    logger.warning(`the checkpoint has states of callbacks that this run does not have: ${unknown.join(", ")}`);
  }
  if (missing.length > 0) {
    logger.warning(`the checkpoint has no state of these callbacks, they start fresh: ${missing.join(", ")}`);
  }
  for (const [key, callback] of byKey) {
    const state = stored.get(key);
    if (state !== undefined) callback.loadStateDict(state);
  }
}
