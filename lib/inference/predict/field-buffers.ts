import { RuntimeError } from "../../config/python-errors";
import type { ComposePreProcess, NdArray } from "../../data";
import { scope, type Tensor } from "../../torch";
import type { OutputField } from "./run-fields";

/** A predicted field in physical units: (N, C), scalars (N). */
export type PredictedField = NdArray<Float32Array>;

/**
 * Where predicted fields gather, chunk by chunk, in physical units. Each takes its place once, so that a prediction needs no more
 * memory than its result and one chunk.
 */
export class FieldBuffers {
  readonly #values = new Map<string, { values: Float32Array; channels: number }>();

  constructor(
    private readonly outputs: readonly OutputField[],
    private readonly rowsOf: (domain: string) => number,
    private readonly normalizerOf: (name: string) => ComposePreProcess | null,
  ) {}

  /**
   * Takes rows of a field as a model gives them.
   *
   * @param values (1, n, C)
   * @param rows where the rows go: from `start` on, or one by one
   */
  put(name: string, values: Tensor, rows: { readonly start: number } | { readonly indices: readonly number[] }): void {
    const numbers = scope(() => {
      const flat = values.detach().squeeze(0).to("float32"); // (n, C)
      const normalizer = this.normalizerOf(name);
      return (normalizer?.inverse(flat) ?? flat).cpu().contiguous().dataSync() as Float32Array;
    });
    const channels = values.size(-1);
    const target = this.#target(name, channels);
    if ("start" in rows) return target.set(numbers, rows.start * channels);
    rows.indices.forEach((row, i) => target.set(numbers.subarray(i * channels, (i + 1) * channels), row * channels));
  }

  #target(name: string, channels: number): Float32Array {
    const known = this.#values.get(name);
    if (known !== undefined) return known.values;
    const output = this.outputs.find((field) => field.name === name)!;
    const values = new Float32Array(this.rowsOf(output.domain) * channels);
    this.#values.set(name, { values, channels });
    return values;
  }

  /** The fields in the order of the outputs. @throws RuntimeError for one that the model did not give */
  finish(): Record<string, PredictedField> {
    const missing = this.outputs.filter(({ name }) => !this.#values.has(name));
    if (missing.length > 0)
      throw new RuntimeError(
        `expected the model to predict ${missing.map(({ name }) => name).join(", ")}, got ${[...this.#values.keys()].join(", ") || "nothing"}`,
      );
    return Object.fromEntries(
      this.outputs.map(({ name }) => {
        const { values, channels } = this.#values.get(name)!;
        return [name, { values, shape: channels === 1 ? [values.length] : [values.length / channels, channels] }];
      }),
    );
  }
}
