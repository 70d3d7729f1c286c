import type { Tensor } from "../../torch";
import { NotImplementedError } from "../../config/python-errors";
import type { Statistics } from "../stats/statistics";

/** What a preprocessor of a data set is built with besides its config and its key. */
export interface PreProcessorOptions {
  /** Statistics of the data set; null: it has none. */
  readonly statistics?: Statistics | null;
}

/** One step between the stored value of a field and what a model sees. */
export abstract class PreProcessor {
  constructor(readonly normalizationKey: string) {
    if (typeof normalizationKey !== "string")
      throw new TypeError(
        `expected a string as normalization key of ${new.target.name}, received ${typeof normalizationKey}`,
      );
  }

  /** From the stored value to the model's value. */
  apply(_x: Tensor): Tensor {
    throw new NotImplementedError(`${this.constructor.name} has no apply(x)`);
  }

  /** From the model's value back to the stored one. */
  denormalize(_x: Tensor): Tensor {
    throw new NotImplementedError(`${this.constructor.name} has no denormalize(x): it cannot be inverted`);
  }
}
