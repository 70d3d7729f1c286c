import type { ModelBase } from "../../core/models";
import { moveItemsToDevice } from "../../core/device/move-items";
import type { DeviceBatch } from "../../core/interfaces/data";
import { ValueError } from "../../config/python-errors";
import type { Sample } from "../../data";
import { arange, cat, getRngState, inferenceMode, manualSeed, scope, setRngState, stack, Tensor } from "../../torch";
import { collateAlike } from "./collate-alike";
import type { DataDescription } from "./data-description";
import { positionKey, type Precision, type RunFields } from "./run-fields";

/** A model with what its inputs go through. */
export interface Predictor {
  readonly model: ModelBase;
  /** Of the inputs and of the predicted fields; the weights are of it, too, unless a run's own are in another one. */
  readonly dtype: Precision;
  readonly fields: RunFields;
  readonly data: DataDescription;
  readonly forwardProperties: readonly string[];
  readonly targetProperties: readonly string[];
}

/** How a prediction is made. */
export interface PredictOptions {
  /** Points that are evaluated at a time; memory grows with it. Default 16384; of models whose points see each other, as many as in training. */
  readonly chunkSize?: number;
  /** Called after every chunk. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
  /** Stops between two chunks; the promise is then rejected with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Of the random choice of anchors and supernodes: the same seed gives the same fields. Default 0. */
  readonly seed?: number;
}

export const DEFAULT_CHUNK = 16384;

/**
 * A case, or several of the same shapes that are computed together: their inputs, scaled, and how they become batches. The tensors belong
 * to the scope in which it is made.
 */
export class PredictionTask {
  /** Of each case, scaled inputs by sample key, on the CPU. */
  readonly #cases: readonly ReadonlyMap<string, Tensor>[];
  readonly #rows = new Map<string, number>();

  constructor(
    readonly predictor: Predictor,
    raw: readonly ReadonlyMap<string, Tensor>[],
    readonly seed: number,
  ) {
    const { data, fields } = predictor;
    this.#cases = raw.map(
      (inputs) =>
        new Map(
          [...inputs].map(([name, value]) => [name, scope(() => data.normalizerOf(name)?.apply(value) ?? value)]),
        ),
    );
    for (const domain of fields.domains) this.#rows.set(domain, raw[0]!.get(positionKey(domain))?.size(0) ?? 0);
  }

  /** Number of cases, B. */
  get size(): number {
    return this.#cases.length;
  }

  /** Points of a domain, of each case. */
  rows(domain: string): number {
    return this.#rows.get(domain) ?? 0;
  }

  /** Points of all domains, of each case. */
  get total(): number {
    return [...this.#rows.values()].reduce((sum, rows) => sum + rows, 0);
  }

  /** Scaled positions (B, N, P) of a domain. */
  positions(domain: string): Tensor {
    return this.#stacked(positionKey(domain));
  }

  /** Features (B, N, F) of the points of a domain, all of them side by side; null without. */
  features(domain: string): Tensor | null {
    const names = this.predictor.fields.inputs.filter((input) => input.role === "feature" && input.domain === domain);
    return names.length === 0
      ? null
      : cat(
          names.map(({ name }) => this.#stacked(name)),
          -1,
        );
  }

  /** An input (B, N, C) of all cases; that of one case is no copy. */
  #stacked(name: string): Tensor {
    const values = this.#cases.map((inputs) => inputs.get(name)!);
    return values.length === 1 ? values[0]!.unsqueeze(0) : stack(values);
  }

  /**
   * The batch of the cases as the model gets it in training, on the model's device.
   *
   * What is to be predicted stands in the samples as the number of each point: the pipeline chooses points of the targets as it chooses
   * those of the inputs, so that the batch tells which points it holds.
   *
   * @param rows - by domain, the points that the samples have; all by default
   */
  batch(rows: ReadonlyMap<string, Tensor> = new Map()): DeviceBatch {
    const { data, model } = this.predictor;
    const samples = this.#cases.map((inputs) => this.#sample(inputs, rows));
    const before = getRngState();
    try {
      return moveItemsToDevice(
        model.device,
        collateAlike(data.pipeline, samples, () => manualSeed(this.seed)),
      );
    } catch (error) {
      throw new ValueError(
        `the pipeline of the run cannot make a batch of ${Object.keys(samples[0]!).join(", ")}: ${(error as Error).message}`,
        { cause: error },
      );
    } finally {
      setRngState(before);
    }
  }

  #sample(inputs: ReadonlyMap<string, Tensor>, rows: ReadonlyMap<string, Tensor>): Sample {
    const { fields, dtype } = this.predictor;
    const sample: Sample = { index: 0 };
    for (const { name, domain, role } of fields.inputs) {
      const chosen = role === "condition" ? undefined : rows.get(domain);
      sample[name] = chosen === undefined ? inputs.get(name)! : inputs.get(name)!.indexSelect(0, chosen);
    }
    for (const { name, domain, channels } of fields.outputs) {
      const numbers = rows.get(domain) ?? arange(this.rows(domain), { dtype: "int64" });
      // integers up to 2^24 are exact in float32
      const column = numbers.to(this.rows(domain) > 2 ** 24 ? "float64" : dtype).unsqueeze(1); // (N, 1)
      sample[name] = column.expand([-1, channels ?? 1]);
    }
    return sample;
  }

  /** The entries of a batch that the model reads. */
  forwardPart(batch: DeviceBatch): DeviceBatch {
    const { forwardProperties } = this.predictor;
    if (forwardProperties.length === 0) return batch;
    return Object.fromEntries(forwardProperties.filter((key) => key in batch).map((key) => [key, batch[key]!]));
  }

  /** Fields by name, as the model gives them: at queries where it has them. */
  evaluate(batch: DeviceBatch): Record<string, Tensor> {
    const { model, fields } = this.predictor;
    const result = inferenceMode(() => model.forward(batch as never) as unknown);
    if (!(result instanceof Tensor)) return atQueries(result as Record<string, Tensor>);
    const [only, ...others] = fields.outputs;
    if (only === undefined || others.length > 0)
      throw new ValueError(
        `expected fields by name from the model, got one tensor for ${fields.outputs.map(({ name }) => name).join(", ") || "no known output"}`,
      );
    return { [only.name]: result };
  }
}

/** `query_surface_pressure` as `surface_pressure`; where a field is given at queries, those are meant. */
export function atQueries(fields: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
  const result: Record<string, Tensor> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (!name.startsWith("query_")) result[name] ??= value;
  }
  for (const [name, value] of Object.entries(fields)) {
    if (name.startsWith("query_")) result[name.slice("query_".length)] = value;
  }
  return result;
}
