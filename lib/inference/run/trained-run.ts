import { RuntimeError, ValueError } from "../../config/python-errors";
import { getRngState, scope, setRngState } from "../../torch";
import type { ModelBase } from "../../core/models";
import { readCase, type CaseOptions } from "../cases";
import { readInputs, type CaseInputs } from "../predict/inputs";
import { predictCase, predictCases } from "../predict/predict";
import type { PredictedField } from "../predict/field-buffers";
import type { PredictOptions, Predictor } from "../predict/prediction-task";
import type { DataDescription } from "../predict/data-description";
import type { DescribedRun, InputField, OutputField, Precision } from "../predict/run-fields";
import type { StoredConfig } from "./stored-config";

/** Which run it is, for reports. */
export interface RunIdentity {
  readonly folder: string;
  readonly name: string;
  readonly checkpoint: string;
  /** `ema=0.9999`; null: the weights themselves. */
  readonly weights: string | null;
}

/** A finished run, ready to predict. Made by `loadRun`. */
export class TrainedRun implements DescribedRun {
  #isDisposed = false;

  constructor(
    private readonly predictor: Predictor,
    readonly stored: StoredConfig,
    readonly identity: RunIdentity,
    /** By key of a part of the model (`modelParts`), its config in the checkpoint; without those whose file has none. */
    readonly checkpointConfigs: ReadonlyMap<string, Readonly<Record<string, unknown>>> = new Map(),
  ) {}

  /** The model in evaluation mode. */
  get model(): ModelBase {
    return this.predictor.model;
  }

  /** Pipeline and normalizers. */
  get data(): DataDescription {
    return this.predictor.data;
  }

  /** What {@link predict} wants. */
  get inputs(): readonly InputField[] {
    return this.predictor.fields.inputs;
  }

  /** What {@link predict} gives. */
  get outputs(): readonly OutputField[] {
    return this.predictor.fields.outputs;
  }

  /** Names of the domains, in the order of the model; `[""]` where it has none. */
  get domains(): readonly string[] {
    return this.predictor.fields.domains;
  }

  /** Config of the data set whose pipeline and normalizers are used; null: none is stored. */
  get datasetConfig(): Readonly<Record<string, unknown>> | null {
    const { dataset } = this.data;
    return dataset === null ? null : (this.stored.datasets[dataset] ?? null);
  }

  /** Precision of inputs and of predicted fields. */
  get dtype(): Precision {
    return this.predictor.dtype;
  }

  /** Device of the weights. */
  get device(): string {
    return this.model.device;
  }

  /**
   * Fields at all points of a case, by name, in physical units.
   *
   * AB-UPT computes geometry and anchors once and evaluates the points in chunks of `chunkSize`; models with queries read them in
   * chunks; of other models each chunk is a sample as in training. Choices of the pipeline are those of `seed`. The event loop gets a
   * turn after each chunk; several predictions may be under way at a time.
   *
   * @param inputs by sample key (see {@link inputs}), in the units of the training data; entries of {@link outputs} have no effect. Or
   * the path of a case in the formats of the data layer, which `files` says how to read
   * @returns `(N)` or `(N, C)` values of each output, in the order of the points
   * @throws ValueError for inputs that are missing, unknown or of another shape; the reason of `signal` when it is aborted
   * @example
   * const { surface_pressure } = await run.predict({ surface_position, volume_position, inflow_design_parameters: [4, 30] });
   */
  async predict(
    inputs: CaseInputs | string,
    { files, ...options }: PredictOptions & { readonly files?: CaseOptions } = {},
  ): Promise<Record<string, PredictedField>> {
    if (this.#isDisposed) throw new RuntimeError(`the run ${this.identity.folder} was disposed: load it again`);
    if (typeof inputs !== "string" && files !== undefined)
      throw new ValueError("files: expected a path in place of inputs, got arrays, which need no files");
    const given = typeof inputs === "string" ? (await readCase(this, inputs, files)).inputs : inputs;
    return scope(async () =>
      predictCase(this.predictor, readInputs(given, this.predictor.fields, this.dtype), options),
    );
  }

  /**
   * @internal Several cases at a time: small ones of the same shapes are computed as one batch.
   *
   * @returns of each case its fields, or what is wrong with it
   */
  async predictAll(
    cases: readonly CaseInputs[],
    options: PredictOptions,
  ): Promise<PromiseSettledResult<Record<string, PredictedField>>[]> {
    return scope(async () => {
      const read = await Promise.allSettled(
        cases.map(async (given) => readInputs(given, this.predictor.fields, this.dtype)),
      );
      const fitting = read.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
      const predicted = fitting.length === 0 ? [] : await predictCases(this.predictor, fitting, options);
      return read.map((each) => (each.status === "fulfilled" ? predicted.shift()! : each));
    });
  }

  /** Frees the weights and the normalizers' numbers. */
  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    for (const tensor of this.model.stateDict().values()) tensor.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Runs something that draws random numbers without a trace in the default generator. */
export function withOwnRandomness<T>(run: () => T): T {
  const before = getRngState();
  try {
    return run();
  } finally {
    setRngState(before);
  }
}
