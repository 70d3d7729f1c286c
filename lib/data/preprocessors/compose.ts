import type { Tensor } from "../../torch";
import { ValueError } from "../../config/python-errors";
import { PreProcessor } from "./pre-processor";

/** Several preprocessors one after the other. */
export class ComposePreProcess {
  readonly transforms: readonly PreProcessor[];

  constructor(
    readonly normalizationKey: string,
    preprocessors: readonly PreProcessor[],
  ) {
    if (!Array.isArray(preprocessors)) throw new TypeError("ComposePreProcess: expected a list of preprocessors");
    if (preprocessors.some((step) => !(step instanceof PreProcessor)))
      throw new TypeError("ComposePreProcess: expected only preprocessors in the list");
    if (preprocessors.length === 0) throw new ValueError("ComposePreProcess: expected at least one preprocessor");
    this.transforms = preprocessors;
  }

  get length(): number {
    return this.transforms.length;
  }

  /** All steps in order. */
  apply(x: Tensor): Tensor {
    return this.transforms.reduce((value, step) => step.apply(value), x);
  }

  /** Undoes all steps, the last one first. */
  inverse(x: Tensor): Tensor {
    return this.transforms.reduceRight((value, step) => step.denormalize(value), x);
  }
}
