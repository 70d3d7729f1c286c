import { existsSync } from "node:fs";

import { Float, Tensor, toMap } from "../../torch";
import { isRank0 } from "../distributed";
import { AssertionError, KeyError, ValueError } from "../../config/python-errors";
import type { PathProvider } from "../providers/path";
import { compactNumber, formatValue } from "../logging/formatters";
import { getLogger, type Logger } from "../logging";
import type { UpdateCounter } from "../iteration/update-counter";
import { readTorchFile, writeTorchFile } from "./torch-file";

/** A logged number (or flag). */
export type Scalar = number | boolean;

/** What is logged at one update: `epoch`, `update`, `sample`, then the metrics in the order in which they came. */
export type LogEntry = Record<string, unknown>;

/** Options of {@link LogWriter.addScalar}. */
export interface AddScalarOptions {
  /** The logger of the callback: the metric is shown in the line of this update, and in full among its debug messages. */
  readonly logger?: Logger | null;
  /** Python format of the shown value, e.g. `.2f`; default: at most five significant digits. */
  readonly formatStr?: string | null;
}

const POSITION = ["epoch", "update", "sample"] as const;

/** What takes the metrics of an update: a tracker. */
export interface MetricSink {
  log(data: Readonly<Record<string, unknown>>): Promise<void>;
}

/** Collects metrics per update, hands them to the tracker, and writes them to `tracker/entries.th` at the end. */
export class LogWriter {
  readonly pathProvider: PathProvider;
  readonly updateCounter: UpdateCounter;
  readonly tracker: MetricSink;
  /** Flushed entries in order, without non-scalar values. */
  readonly logEntries: LogEntry[] = [];
  /** Metrics of the current update that are not flushed yet; null when there are none. */
  logCache: LogEntry | null = null;
  readonly nonScalarKeys = new Set<string>();
  readonly #shown = new Map<string, string>();
  readonly #logger = getLogger("LogWriter");

  constructor({
    pathProvider,
    updateCounter,
    tracker,
  }: {
    pathProvider: PathProvider;
    updateCounter: UpdateCounter;
    tracker: MetricSink;
  }) {
    this.pathProvider = pathProvider;
    this.updateCounter = updateCounter;
    this.tracker = tracker;
  }

  /**
   * Logs a number under a key, once per update.
   *
   * @param value A number, or a tensor with one element.
   * @throws KeyError when the key was logged at this update already.
   */
  addScalar(key: string, value: Scalar | Tensor, { logger = null, formatStr = null }: AddScalarOptions = {}): void {
    const isFloat = value instanceof Tensor ? /float|half/.test(value.dtype) : typeof value === "number";
    const scalar = hostScalar(key, value);
    const name = this.#add(key, scalar);
    if (logger === null) return;
    logger.debug(`${name}: ${formatValue(scalar, null, !isFloat)}`);
    const isPlain = formatStr === null && typeof scalar === "number";
    this.#shown.set(name, isPlain ? compactNumber(scalar) : formatValue(scalar, formatStr, !isFloat));
  }

  /** The key under which a metric of the current update was logged. */
  resolveKey(key: string): string {
    return key;
  }

  /** Metrics of this update that should be shown and were not yet, as `[key, text]`; taken once. */
  takeShown(): [key: string, text: string][] {
    const shown = [...this.#shown];
    this.#shown.clear();
    return shown;
  }

  /** Logs a value for the tracker that is not a number, e.g. an image or a histogram; it is not kept in the entries. */
  addNonscalar(key: string, value: unknown): void {
    this.nonScalarKeys.add(this.#add(key, value));
  }

  #add(key: string, value: unknown): string {
    const name = key.endsWith("/") ? key.slice(0, -1) : key;
    const { epoch, update, sample } = this.updateCounter;
    this.logCache ??= { epoch, update, sample };
    if (Object.hasOwn(this.logCache, name)) {
      throw new KeyError(
        `metric '${name}' was already logged at update ${String(this.logCache["update"])}; two callbacks may not log under one key`,
      );
    }
    this.logCache[name] = value;
    return name;
  }

  /** Ends the entry of the current update: sends it to the tracker and keeps it. */
  async flush(): Promise<void> {
    const cache = this.logCache;
    if (cache === null) {
      return;
    }
    const shown = this.takeShown(); // what no progress line has shown
    if (shown.length > 0) this.#logger.info(shown.map(([key, text]) => `${key} ${text}`).join("  "));
    await this.tracker.log(cache);
    const scalars = Object.fromEntries(Object.entries(cache).filter(([key]) => !this.nonScalarKeys.has(key)));
    this.logCache = null;
    this.nonScalarKeys.clear();
    const last = this.logEntries[this.logEntries.length - 1];
    if (last !== undefined && (scalars["update"] as number) < (last["update"] as number)) {
      throw new AssertionError(
        `internal: metrics of update ${String(scalars["update"])} come after those of update ${String(last["update"])}`,
      );
    }
    // What is logged after training belongs to the last update.
    if (last !== undefined && scalars["update"] === last["update"]) {
      Object.assign(last, scalars);
    } else {
      this.logEntries.push(scalars);
    }
  }

  /**
   * Writes all entries to `tracker/entries.th`: `{metric: {update: value}}`. A run that continues in its own folder
   * keeps what it logged up to the checkpoint that it continues from.
   */
  finish(): void {
    if (!isRank0() || this.logEntries.length === 0) {
      return;
    }
    const byKey = this.#earlierEntries();
    for (const entry of this.logEntries) {
      for (const [key, value] of Object.entries(entry)) {
        if (key === "update") continue;
        const series = byKey.get(key) ?? new Map<number, unknown>();
        const isCount = (POSITION as readonly string[]).includes(key);
        series.set(entry["update"] as number, typeof value === "number" && !isCount ? new Float(value) : value);
        byKey.set(key, series);
      }
    }
    writeTorchFile(this.pathProvider.basetrackerEntriesUri, byKey);
  }

  /** Does work that logs; at its end, also after an error, everything that was logged is written. */
  async scope<T>(work: () => Promise<T>): Promise<T> {
    let result: T;
    try {
      result = await work();
    } catch (error) {
      await this.#finishAfterError();
      throw error;
    }
    await this.flush();
    this.finish();
    return result;
  }

  /** Ends the entry and writes all of them after an error, which must be thrown whatever happens here. */
  async #finishAfterError(): Promise<void> {
    try {
      await this.flush();
      this.finish();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#logger.error(`cannot write the metrics after the error: ${reason}`);
    }
  }

  #earlierEntries(): Map<string, Map<number, unknown>> {
    const start = this.updateCounter.startIteration.update ?? 0;
    const path = this.pathProvider.basetrackerEntriesUri;
    if (start === 0 || !existsSync(path)) return new Map();
    const entries = [...toMap<unknown>(readTorchFile(path))].map(([key, series]): [string, Map<number, unknown>] => [
      String(key),
      new Map([...toMap<unknown>(series)].map(([update, value]) => [Number(update), value])),
    ]);
    for (const [key, series] of entries) {
      for (const [update, value] of series) {
        if (update > start) series.delete(update);
        else if (typeof value === "number" && !(POSITION as readonly string[]).includes(key))
          series.set(update, new Float(value));
      }
    }
    return new Map(entries.filter(([, series]) => series.size > 0));
  }

  /** Values of a metric over all entries that have it. */
  getAllMetricValues(key: string): Scalar[] {
    return this.logEntries.filter((entry) => Object.hasOwn(entry, key)).map((entry) => entry[key] as Scalar);
  }
}

function hostScalar(key: string, value: Scalar | Tensor): Scalar {
  if (!(value instanceof Tensor)) {
    return value;
  }
  if (value.numel() !== 1) {
    throw new ValueError(
      `metric '${key}' has to be one number, but its tensor has shape [${value.shape.join(", ")}]; reduce it first`,
    );
  }
  const item = value.item();
  return typeof item === "bigint" ? Number(item) : item;
}
