import { checkArgument, checkOptions, flag, real, refuseSurplus } from "../arguments";
import { TorchError } from "../errors";
import type { Tensor } from "../tensor";
import { dropout } from "./functional/dropout";
import { Module } from "./module";
import { floatRepr, pythonRepr } from "./repr";

const OPTIONS = { inplace: flag };

/** While training, zeroes entries with probability `p` and scales the rest by 1/(1 − p). Evaluation passes through. */
export class Dropout extends Module {
  readonly p: number;
  readonly inplace: boolean;

  constructor(p = 0.5, options: { inplace?: boolean } = {}, ...surplus: never[]) {
    super();
    checkArgument("Dropout", "p", p, real);
    checkOptions("Dropout", options, OPTIONS, surplus);
    if (!(p >= 0 && p <= 1)) throw new TorchError(`Dropout: expected a probability between 0 and 1, got ${p}`);
    this.p = p;
    this.inplace = options.inplace ?? false;
  }

  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("Dropout.forward", surplus);
    return dropout(input, this.p, this.training, { inplace: this.inplace });
  }

  protected override extraRepr(): string {
    return `p=${floatRepr(this.p)}, inplace=${pythonRepr(this.inplace)}`;
  }
}
