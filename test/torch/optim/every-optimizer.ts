import { optim } from "../../../lib/torch";

/** The constructor of any optimizer. */
export type AnyOptimizer = new (params: optim.OptimizerInput<object>, options?: object) => optim.Optimizer;

/** Those whose steps need a closure, or sparse gradients: lbfgs.test.ts, sparse-adam.test.ts. */
const OTHERS: readonly unknown[] = [optim.LBFGS, optim.SparseAdam];

/** Every other optimizer that `optim` exports, by its name. Tests of all optimizers take their list from here: a new one is in them. */
export const OPTIMIZERS: Readonly<Record<string, AnyOptimizer>> = Object.fromEntries(
  Object.entries(optim as Readonly<Record<string, unknown>>).filter(
    (entry): entry is [string, AnyOptimizer] =>
      typeof entry[1] === "function" && entry[1].prototype instanceof optim.Optimizer && !OTHERS.includes(entry[1]),
  ),
);
