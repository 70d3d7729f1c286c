import { checkArgument, checkOptions, flag, real, refuseSurplus } from "../arguments";
import { TorchError } from "../errors";
import type { Tensor } from "../tensor";
import { alphaDropout, dropout, dropout1d, dropout2d, dropout3d, featureAlphaDropout } from "./functional/dropout";
import { Module } from "./module";
import { floatRepr, pythonRepr } from "./repr";

const OPTIONS = { inplace: flag };

/** What the dropouts have in common; evaluation passes through. */
abstract class AnyDropout extends Module {
  readonly p: number;
  readonly inplace: boolean;

  constructor(p = 0.5, options: { inplace?: boolean } = {}, ...surplus: never[]) {
    super();
    const name = this.constructor.name;
    checkArgument(name, "p", p, real);
    checkOptions(name, options, OPTIONS, surplus);
    if (!(p >= 0 && p <= 1)) throw new TorchError(`${name}: expected a probability between 0 and 1, got ${p}`);
    this.p = p;
    this.inplace = options.inplace ?? false;
  }

  protected abstract readonly drop: typeof dropout;

  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus(`${this.constructor.name}.forward`, surplus);
    return this.drop(input, this.p, this.training, { inplace: this.inplace });
  }

  protected override extraRepr(): string {
    return `p=${floatRepr(this.p)}, inplace=${pythonRepr(this.inplace)}`;
  }
}

/** While training, zeroes entries with probability `p` and scales the rest by 1/(1 − p). Evaluation passes through. */
export class Dropout extends AnyDropout {
  protected get drop(): typeof dropout {
    return dropout;
  }
}

/** {@link Dropout} of whole channels: (N, C, L) or (C, L). */
export class Dropout1d extends AnyDropout {
  protected get drop(): typeof dropout {
    return dropout1d;
  }
}

/** {@link Dropout} of whole channels: (N, C, H, W). */
export class Dropout2d extends AnyDropout {
  protected get drop(): typeof dropout {
    return dropout2d;
  }
}

/** {@link Dropout} of whole channels: (N, C, D, H, W) or (C, D, H, W). */
export class Dropout3d extends AnyDropout {
  protected get drop(): typeof dropout {
    return dropout3d;
  }
}

/** Dropout that keeps mean and variance of standard normal entries, for {@link SELU}. Klambauer et al. 2017, arXiv 1706.02515. */
export class AlphaDropout extends AnyDropout {
  protected get drop(): typeof dropout {
    return alphaDropout;
  }
}

/** {@link AlphaDropout} of whole channels: (N, C, …). */
export class FeatureAlphaDropout extends AnyDropout {
  protected get drop(): typeof dropout {
    return featureAlphaDropout;
  }
}
