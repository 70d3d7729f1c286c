import {
  PeriodicDataIteratorCallback,
  PeriodicDataIteratorCallbackConfig,
  type DeviceBatch,
  type ModelBase,
} from "noether-ts/core";
import type { Tensor } from "noether-ts/torch";
import type { Fields } from "../models/point-mlp";

/** Relative L2 error of each field over a data set: `relative_error/<data set>/<field>`. */
export class FieldErrors extends PeriodicDataIteratorCallback<Fields> {
  static readonly schema = PeriodicDataIteratorCallbackConfig;

  /** The errors of a batch, one for each case: (B,) */
  override processData(batch: DeviceBatch, model: ModelBase): Fields {
    const { position, condition } = batch;
    const prediction = model.forward({ position, condition }) as Fields;
    const error = (field: keyof Fields): Tensor => {
      const target = batch[`${field}_target`] as Tensor;
      const norm = (x: Tensor) => x.flatten(1).norm(2, [1]); // (B, N, C) -> (B, N * C) -> (B,)
      return norm(prediction[field].sub(target)).div(norm(target));
    };
    return { velocity: error("velocity"), pressure: error("pressure") };
  }

  override processResults(errors: Fields): void {
    for (const [field, values] of Object.entries(errors))
      this.writer.addScalar(`relative_error/${this.datasetKey}/${field}`, values.mean(), { logger: this.logger });
  }
}
