import { RuntimeError } from "../../config/python-errors";
import type { ComposePreProcess, NdArray } from "../../data";
import { scope, type Tensor } from "../../torch";
import type { OutputField, Precision } from "./run-fields";

/** A predicted field in physical units: (N, C), scalars (N). Of a run that was loaded in float64 its values are float64. */
export type PredictedField = NdArray<Float32Array | Float64Array>;

/** The rows of a field of one case: from `start` on, or one by one. */
type Rows = { readonly start: number } | { readonly indices: readonly number[] };

/**
 * Where predicted fields of cases of the same shapes gather, chunk by chunk, in physical units. Each takes its place once, so that a
 * prediction needs no more memory than its result and one chunk.
 */
export class FieldBuffers {
  /** By name, the values of each case. */
  readonly #values = new Map<string, { values: readonly PredictedField["values"][]; channels: number }>();

  constructor(
    private readonly cases: number,
    private readonly outputs: readonly OutputField[],
    private readonly rowsOf: (domain: string) => number,
    private readonly normalizerOf: (name: string) => ComposePreProcess | null,
    private readonly dtype: Precision,
  ) {}

  /**
   * Takes rows of a field as a model gives them.
   *
   * @param values (B, n, C)
   * @param rowsOf where the rows go, of each case
   */
  put(name: string, values: Tensor, rowsOf: (index: number) => Rows): void {
    if (values.ndim !== 3 || values.size(0) !== this.cases)
      throw new RuntimeError(
        `expected "${name}" of ${this.cases} cases as (${this.cases}, n, C) from the model, got (${values.shape.join(", ")})`,
      );
    const [, count, channels] = values.shape as [number, number, number];
    const numbers = scope(() => {
      const flat = values.detach().flatten(0, 1).to(this.dtype); // (B · n, C)
      const normalizer = this.normalizerOf(name);
      return (normalizer?.inverse(flat) ?? flat).cpu().contiguous().dataSync() as PredictedField["values"];
    });
    this.#target(name, channels).forEach((target, b) => {
      const own = numbers.subarray(b * count * channels, (b + 1) * count * channels);
      const rows = rowsOf(b);
      if ("start" in rows) return target.set(own, rows.start * channels);
      rows.indices.forEach((row, i) => target.set(own.subarray(i * channels, (i + 1) * channels), row * channels));
    });
  }

  #target(name: string, channels: number): readonly PredictedField["values"][] {
    const known = this.#values.get(name);
    if (known !== undefined) return known.values;
    const output = this.outputs.find((field) => field.name === name)!;
    const length = this.rowsOf(output.domain) * channels;
    const ArrayType = this.dtype === "float64" ? Float64Array : Float32Array;
    const values = Array.from({ length: this.cases }, () => new ArrayType(length));
    this.#values.set(name, { values, channels });
    return values;
  }

  /** Of each case, the fields in the order of the outputs. @throws RuntimeError for one that the model did not give */
  finish(): Record<string, PredictedField>[] {
    const missing = this.outputs.filter(({ name }) => !this.#values.has(name));
    if (missing.length > 0)
      throw new RuntimeError(
        `expected the model to predict ${missing.map(({ name }) => name).join(", ")}, got ${[...this.#values.keys()].join(", ") || "nothing"}`,
      );
    return Array.from({ length: this.cases }, (_, b) =>
      Object.fromEntries(
        this.outputs.map(({ name }) => {
          const { values: all, channels } = this.#values.get(name)!;
          const values = all[b]!;
          return [name, { values, shape: channels === 1 ? [values.length] : [values.length / channels, channels] }];
        }),
      ),
    );
  }
}
