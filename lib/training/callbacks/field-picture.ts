import type { z } from "zod";
import { withSuggestion } from "../../config/nearest-names";
import { KeyError, ValueError } from "../../config/python-errors";
import { register } from "../../config/registry";
import { int, list, mapping, optional, str, tag, type FieldType } from "../../config/schema";
import { CallBackBaseConfig } from "../../core/callbacks/base-config";
import { type CallbackDependencies, PeriodicCallback, type PeriodicCallbackContext } from "../../core/callbacks";
import { moveItemsToDevice } from "../../core/device/move-items";
import { isRank0 } from "../../core/distributed";
import type { Batch, DeviceBatch } from "../../core/interfaces/data";
import type { ModelBase } from "../../core/models";
import type { DatasetProtocol } from "../../data";
import { type Compared, drawComparison, magnitudes } from "../../data/pictures";
import { Mesh } from "../../data/readers/mesh";
import { scope, Tensor } from "../../torch";

/** Config of {@link FieldPictureCallback}. */
export const FieldPictureCallbackConfig = CallBackBaseConfig.extend("FieldPictureCallbackConfig", {
  fields: {
    name: tag("FieldPictureCallback"),
    /** Name of the data set under `datasets`. */
    dataset_key: str(),
    /**
     * What is drawn: the batch key of the points of each field, `{ surface_pressure: surface_position }`. The model predicts `<field>`, the
     * batch holds `<field>_target`.
     */
    fields: mapping(str()),
    /** Indices of the samples. */
    samples: list(int({ ge: 0 })).default(() => [0]),
    /** Batch keys that the model gets; null: those of the trainer. */
    forward_properties: optional(list(str())),
    /** Pixels of a picture. */
    width: int({ ge: 160 }).default(640),
    /** Height of a picture, in pixels. */
    height: int({ ge: 120 }).default(440),
  },
  check: (config, complain) => {
    if (Object.keys(config.fields).length === 0)
      complain("expected fields and the batch keys of their points: { pressure: position }", "fields");
    if (config.samples.length === 0) complain("expected indices of samples, received none", "samples");
  },
});
export type FieldPictureCallbackConfig = z.output<typeof FieldPictureCallbackConfig>;

/** Where the random numbers of a sample's pipeline start, so that pictures of later updates show the same points. */
const SEED = 0n;

/**
 * Draws fields of some samples: predicted, true and their difference, in physical units, as
 * `pictures/<data set>/<sample>/<field>/U<update>_<predicted|true|difference>.png` in the folder of the run. Of vectors their length is
 * drawn. The dashboard and the report show them, and trackers that take pictures get them.
 */
export class FieldPictureCallback extends PeriodicCallback {
  static readonly schema: FieldType = FieldPictureCallbackConfig;
  readonly #config: FieldPictureCallbackConfig;
  readonly #dataset: DatasetProtocol;
  readonly #forwardProperties: readonly string[];

  /** @throws ValueError when the data set lacks a sample */
  constructor(config: FieldPictureCallbackConfig, dependencies: CallbackDependencies) {
    super(config, dependencies);
    this.#config = config;
    this.#dataset = this.dataContainer.getDataset(config.dataset_key) as DatasetProtocol;
    const missing = config.samples.find((index) => index >= this.#dataset.length);
    if (missing !== undefined)
      throw new ValueError(
        `FieldPictureCallback: expected samples below ${this.#dataset.length}, the size of data set "${config.dataset_key}", received ${missing}`,
      );
    this.#forwardProperties = config.forward_properties ?? this.trainer.config.forward_properties ?? [];
    if (this.#forwardProperties.length === 0)
      throw new ValueError(
        "FieldPictureCallback: expected the batch keys that the model gets, in its forward_properties or those of the trainer",
      );
  }

  override async periodicCallback({ updateCounter, trainerModel }: PeriodicCallbackContext): Promise<void> {
    if (!isRank0()) return;
    const { dataset_key: key, samples, fields } = this.#config;
    const order = { length: samples.length, [Symbol.iterator]: () => samples[Symbol.iterator]() };
    const loader = this.dataContainer.getDataLoader(this.#dataset, { sampler: order, batchSize: 1, seed: SEED });
    const iterator = loader[Symbol.asyncIterator]();
    const pictures: Record<string, Buffer> = {};
    try {
      for (const index of samples) {
        await scope(async () => {
          const next: IteratorResult<Batch> = await iterator.next();
          if (next.done === true) return;
          const batch = moveItemsToDevice(this.model.device, next.value);
          const outputs = await this.#predict(batch, trainerModel);
          for (const [field, positions] of Object.entries(fields)) {
            const name = `${key}/${index}/${field}`;
            const drawn = this.#draw(field, positions, batch, outputs);
            for (const [shows, png] of Object.entries(drawn) as [Compared, Buffer][]) {
              pictures[`${name}/${shows}`] = png;
            }
          }
        });
      }
    } finally {
      await iterator.return?.();
    }
    await this.tracker.logPictures(pictures, updateCounter.update);
  }

  async #predict(batch: DeviceBatch, model: ModelBase): Promise<Readonly<Record<string, unknown>>> {
    const inputs: Record<string, Tensor> = {};
    for (const key of this.#forwardProperties) {
      const value = batch[key];
      if (value instanceof Tensor) inputs[key] = value;
    }
    return this.trainer.autocastContext(async () => (await model.forward(inputs)) as Record<string, unknown>);
  }

  #draw(
    field: string,
    positions: string,
    batch: DeviceBatch,
    outputs: Readonly<Record<string, unknown>>,
  ): Record<Compared, Buffer> {
    const points = this.#rows(positions, positions, batch, "the batch");
    const predicted = this.#rows(field, field, outputs, "the model's output");
    const truth = this.#rows(field, `${field}_target`, batch, "the batch");
    if (points.columns > 3)
      throw new ValueError(
        `${this}: expected points with 1 to 3 coordinates in "${positions}", received ${points.columns}`,
      );
    for (const [what, { length, columns }] of Object.entries({ prediction: predicted, target: truth }))
      if (length !== points.length || columns !== truth.columns)
        throw new ValueError(
          `${this}: expected a ${what} of "${field}" of shape (${points.length}, ${truth.columns}), as "${positions}" has points, received (${length}, ${columns})`,
        );
    const vector = truth.columns > 1;
    return drawComparison(
      {
        name: vector ? `|${field}|` : field,
        mesh: new Mesh({ points: threeCoordinates(points) }),
        location: "points",
        predicted: magnitudes(predicted.values, predicted.columns),
        truth: magnitudes(truth.values, truth.columns),
      },
      this.#config,
    );
  }

  /** A tensor of one sample, (1, N, C) or (N, C), in physical units if the data set has a normalizer of this name. */
  #rows(name: string, key: string, from: Readonly<Record<string, unknown>>, where: string): Rows {
    const found = from[key];
    if (!(found instanceof Tensor) || found.ndim < 2)
      throw new KeyError(
        withSuggestion(
          `${this}: expected "${key}" of shape (1, N, C) in ${where}, which has ${Object.keys(from).join(", ")}`,
          key,
          Object.keys(from),
        ),
      );
    const columns = found.size(-1);
    const { normalizers } = this.#dataset;
    // queries and anchors are points of the field that they are named after
    const normalizer = normalizers?.get(name) ?? normalizers?.get(name.replace(/^query_/, "").replace("_anchor_", "_"));
    const plain = found.detach().cpu().to("float32");
    const physical = normalizer === undefined ? plain : normalizer.inverse(plain);
    const rows = physical.reshape([-1, columns]).contiguous(); // (1, N, C) -> (N, C)
    return { values: Float32Array.from(rows.dataSync() as Float32Array), length: rows.size(0), columns };
  }
}

interface Rows {
  readonly values: Float32Array;
  readonly length: number;
  readonly columns: number;
}

/** Points of one or two coordinates lie in the plane z = 0. */
function threeCoordinates({ values, length, columns }: Rows): Float32Array {
  if (columns === 3) return values;
  const points = new Float32Array(3 * length);
  for (let i = 0; i < length; i++) for (let c = 0; c < columns; c++) points[3 * i + c] = values[i * columns + c]!;
  return points;
}

register("noether.training.callbacks.FieldPictureCallback", {
  class: FieldPictureCallback,
  aliases: ["noether.training.callbacks.field_picture.FieldPictureCallback"],
});
