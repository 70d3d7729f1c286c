import { _foreachAdd, _foreachAdd_, _foreachMul_, emptyLike } from "../operators.generated";
import { TorchError } from "../errors";
import { keep } from "../scope";
import { Tensor } from "../tensor";
import type { Batch } from "./batch";
import { canFuse, fusedSgd, prefersFused } from "./fused";
import { descentGradients } from "./descent-gradients";
import { type OptimizerInput, type ParamGroup, type ParamState, Optimizer, learningRate } from "./optimizer";

/** Options of {@link SGD}, in PyTorch's order. */
export interface SGDOptions {
  /** Learning rate (default 1e-3). */
  lr: number | Tensor;
  /** Weight of the past in the running sum of gradients (default 0: no buffer). */
  momentum: number;
  /** Share of the new gradient that the sum leaves out (default 0). */
  dampening: number;
  /** L2 penalty (default 0). */
  weightDecay: number;
  /** Look ahead along the momentum; needs momentum and no dampening. */
  nesterov: boolean;
  /** Ascend instead of descend. */
  maximize: boolean;
  /** Ask for list operators. */
  foreach: boolean | null;
  /** Must be false; kept for files of PyTorch. */
  differentiable: boolean;
  /** Ask for the fused kernel; null decides by device. */
  fused: boolean | null;
}

const SGD_DEFAULTS: SGDOptions = {
  lr: 1e-3,
  momentum: 0,
  dampening: 0,
  weightDecay: 0,
  nesterov: false,
  maximize: false,
  foreach: null,
  differentiable: false,
  fused: null,
};

/** Stochastic gradient descent, with momentum on request. State: `momentum_buffer`, only with momentum. */
export class SGD extends Optimizer<SGDOptions> {
  constructor(params: OptimizerInput<SGDOptions>, options: Partial<SGDOptions> = {}, ...surplus: never[]) {
    super(params, SGD_DEFAULTS, options, surplus);
  }

  protected override checkGroup(group: ParamGroup<SGDOptions>): void {
    super.checkGroup(group);
    this.expectRange("momentum", group.momentum, 0);
    this.expectRange("weightDecay", group.weightDecay, 0);
    if (group.nesterov && (group.momentum <= 0 || group.dampening !== 0)) {
      throw new TorchError(
        `SGD: expected momentum above 0 and dampening 0 with nesterov, got momentum ${group.momentum}, dampening ${group.dampening}`,
      );
    }
  }

  /** The buffer starts as the first gradient, so there is nothing to make ahead. */
  protected initialState(): ParamState {
    return {};
  }

  override get readsOnHost(): string | null {
    const isFused = this.paramGroups.every((group) => group.params.every((param) => prefersFused(group, param)));
    return isFused ? null : super.readsOnHost;
  }

  protected updateGroup(group: ParamGroup<SGDOptions>, batch: Batch): void {
    if (group.momentum === 0) {
      this.update(group, batch, [], false);
      return;
    }
    // Files of old versions may hold `momentum_buffer: None`.
    const started = batch.states.map((state) => state.momentum_buffer instanceof Tensor);
    const fresh = batch.filter((i) => started[i] === false);
    const running = fresh.params.length === 0 ? batch : batch.filter((i) => started[i] === true);
    if (fresh.params.length > 0) {
      for (const [i, param] of fresh.params.entries())
        (fresh.states[i] as ParamState).momentum_buffer = keep(emptyLike(param));
      this.update(group, fresh, fresh.tensors("momentum_buffer"), true);
    }
    if (running.params.length > 0) this.update(group, running, running.tensors("momentum_buffer"), false);
  }

  private update(group: ParamGroup<SGDOptions>, batch: Batch, buffers: Tensor[], isFirstStep: boolean): void {
    if (canFuse(group, batch)) {
      fusedSgd(batch, buffers, isFirstStep, group);
      return;
    }
    const { momentum, dampening, nesterov } = group;
    let grads = descentGradients(batch, group);
    if (momentum !== 0) {
      if (isFirstStep) {
        for (const [i, buffer] of buffers.entries()) buffer.copy_(grads[i] as Tensor);
      } else {
        _foreachMul_(buffers, momentum);
        _foreachAdd_(buffers, grads, { alpha: 1 - dampening });
      }
      grads = nesterov ? _foreachAdd(grads, buffers, { alpha: momentum }) : buffers;
    }
    _foreachAdd_(batch.params, grads, { alpha: -learningRate(group.lr) });
  }
}
