import { native } from "../addon";
import { sparseCooTensor, zerosLike } from "../operators.generated";
import { TorchError } from "../errors";
import { Tensor } from "../tensor";
import type { Batch } from "./batch";
import { type OptimizerInput, type ParamGroup, type ParamState, Optimizer, learningRate } from "./optimizer";

/** Options of {@link SparseAdam}, in PyTorch's order. */
export interface SparseAdamOptions {
  /** Learning rate, above 0 (default 1e-3). */
  lr: number | Tensor;
  /** Decay of the two moments (default [0.9, 0.999]). */
  betas: readonly [number, number];
  /** Added to the denominator, above 0 (default 1e-8). */
  eps: number;
  /** Ascend instead of descend. */
  maximize: boolean;
}

const DEFAULTS: SparseAdamOptions = { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, maximize: false };

/**
 * Adam for gradients that are sparse tensors (COO, as `sparseCooTensor` makes them): only entries that the gradient has move, and only their
 * moments decay. A dense gradient is refused. Gradients of `nn.Embedding` are dense here; a loop of one's own assigns sparse ones.
 * State: `step` (an int in files), `exp_avg`, `exp_avg_sq`.
 */
export class SparseAdam extends Optimizer<SparseAdamOptions> {
  constructor(
    params: OptimizerInput<SparseAdamOptions>,
    options: Partial<SparseAdamOptions> = {},
    ...surplus: never[]
  ) {
    super(params, DEFAULTS, options, surplus);
  }

  protected override checkGroup(group: ParamGroup<SparseAdamOptions>): void {
    super.checkGroup(group);
    const lr = group.lr instanceof Tensor ? 1 : group.lr;
    this.expectRange("lr", lr, Number.MIN_VALUE);
    this.expectRange("eps", group.eps, Number.MIN_VALUE);
    for (const [i, beta] of group.betas.entries()) this.expectRange(`betas[${i}]`, beta, 0, 1);
    const complex = group.params.findIndex((param) => param.isComplex());
    if (complex >= 0) throw new TorchError(`SparseAdam: expected real parameters, got a complex one at ${complex}`);
  }

  protected initialState(param: Tensor): ParamState {
    return { step: 0, exp_avg: zerosLike(param), exp_avg_sq: zerosLike(param) };
  }

  protected updateGroup(group: ParamGroup<SparseAdamOptions>, batch: Batch): void {
    const [averages, squares] = [batch.tensors("exp_avg"), batch.tensors("exp_avg_sq")];
    for (const [i, given] of batch.grads.entries()) {
      if (native.archiveKind(given.handle) !== "Sparse")
        throw new TorchError("SparseAdam: expected sparse gradients, got a dense one: take Adam for these parameters");
      const state = batch.states[i]!;
      const step = Number(state["step"]) + 1;
      state["step"] = step;
      update(batch.params[i]!, group.maximize ? given.neg() : given, averages[i]!, squares[i]!, step, group);
    }
  }

  /** `step` is a number in PyTorch's class, a tensor in all others. */
  override loadStateDict(stateDict: unknown): void {
    super.loadStateDict(stateDict);
    for (const state of this.state.values())
      if (state["step"] instanceof Tensor) state["step"] = Number(state["step"].item());
  }
}

function update(
  param: Tensor,
  given: Tensor,
  average: Tensor,
  square: Tensor,
  step: number,
  group: ParamGroup<SparseAdamOptions>,
): void {
  const [beta1, beta2] = group.betas;
  // entries that occur twice are one: the update is not linear in them
  const gradient = given.coalesce();
  const values = gradient._values();
  if (values.numel() === 0) return;
  const sparse = (entries: Tensor): Tensor => sparseCooTensor(gradient._indices(), entries, gradient.shape);
  const before = average.sparseMask(gradient)._values();
  const change = values.sub(before).mul_(1 - beta1);
  average.add_(sparse(change));
  const squareBefore = square.sparseMask(gradient)._values();
  const squareChange = values
    .pow(2)
    .sub_(squareBefore)
    .mul_(1 - beta2);
  square.add_(sparse(squareChange));
  const numerator = change.add(before);
  const denominator = squareChange.add(squareBefore).sqrt_().add_(group.eps);
  const stepSize = (learningRate(group.lr) * Math.sqrt(1 - beta2 ** step)) / (1 - beta1 ** step);
  param.add_(sparse(numerator.div_(denominator).mul_(-stepSize)));
}
