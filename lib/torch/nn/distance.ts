/** Distances between vectors, pair by pair. */
import { checkOptions, flag, integer, real, refuseSurplus } from "../arguments";
import { cosineSimilarity, pairwiseDistance } from "../operators.generated";
import type { Tensor } from "../tensor";
import { Module } from "./module";

/** Cosine of the angle along `dim` (default 1), norms at least `eps` (default 1e-8). */
export class CosineSimilarity extends Module {
  readonly dim: number;
  readonly eps: number;

  constructor(options: { dim?: number; eps?: number } = {}, ...surplus: never[]) {
    super();
    checkOptions("CosineSimilarity", options, { dim: integer, eps: real }, surplus);
    this.dim = options.dim ?? 1;
    this.eps = options.eps ?? 1e-8;
  }

  forward(x1: Tensor, x2: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("CosineSimilarity.forward", surplus);
    return cosineSimilarity(x1, x2, this.dim, this.eps);
  }
}

/** p-norm (default 2) of x1 − x2 + eps (default 1e-6): (N, D) → (N), (N, 1) with `keepdim`. */
export class PairwiseDistance extends Module {
  readonly norm: number;
  readonly eps: number;
  readonly keepdim: boolean;

  constructor(options: { p?: number; eps?: number; keepdim?: boolean } = {}, ...surplus: never[]) {
    super();
    checkOptions("PairwiseDistance", options, { p: real, eps: real, keepdim: flag }, surplus);
    this.norm = options.p ?? 2;
    this.eps = options.eps ?? 1e-6;
    this.keepdim = options.keepdim ?? false;
  }

  forward(x1: Tensor, x2: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("PairwiseDistance.forward", surplus);
    return pairwiseDistance(x1, x2, this.norm, this.eps, this.keepdim);
  }
}
