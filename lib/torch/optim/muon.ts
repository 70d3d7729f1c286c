import { TorchError } from "../errors";
import { addmm, zerosLike } from "../operators.generated";
import type { Tensor } from "../tensor";
import type { Batch } from "./batch";
import { type OptimizerInput, type ParamGroup, type ParamState, Optimizer, learningRate } from "./optimizer";

/** Options of {@link Muon}, in PyTorch's order. */
export interface MuonOptions {
  /** Learning rate (default 1e-3). */
  lr: number | Tensor;
  /** Decoupled weight decay (default 0.1). */
  weightDecay: number;
  /** Decay of the running mean of the gradient (default 0.95). */
  momentum: number;
  /** Look ahead along the momentum (default true). */
  nesterov: boolean;
  /** Coefficients of the Newton–Schulz iteration (default [3.4445, -4.775, 2.0315]). */
  nsCoefficients: readonly [number, number, number];
  /** Least norm that an update is divided by (default 1e-7). */
  eps: number;
  /** Newton–Schulz iterations, below 100 (default 5). */
  nsSteps: number;
  /** How the rate depends on the matrix's shape (default null: as `"original"`). */
  adjustLrFn: "original" | "match_rms_adamw" | null;
}

const DEFAULTS: MuonOptions = {
  lr: 1e-3,
  weightDecay: 0.1,
  momentum: 0.95,
  nesterov: true,
  nsCoefficients: [3.4445, -4.775, 2.0315],
  eps: 1e-7,
  nsSteps: 5,
  adjustLrFn: null,
};

/** Muon, Jordan et al. 2024: the momentum of a weight matrix, orthogonalised. For matrices only. State: `momentum_buffer`. */
export class Muon extends Optimizer<MuonOptions> {
  constructor(params: OptimizerInput<MuonOptions>, options: Partial<MuonOptions> = {}, ...surplus: never[]) {
    super(params, DEFAULTS, options, surplus);
  }

  protected override checkGroup(group: ParamGroup<MuonOptions>): void {
    super.checkGroup(group);
    this.expectRange("momentum", group.momentum, 0);
    this.expectRange("weightDecay", group.weightDecay, 0);
    this.expectRange("nsSteps", group.nsSteps, 0, 100);
    if (![null, "original", "match_rms_adamw"].includes(group.adjustLrFn)) {
      throw new TorchError(
        `Muon: expected adjustLrFn "original", "match_rms_adamw" or null, got "${group.adjustLrFn}"`,
      );
    }
    for (const param of group.params) {
      if (param.ndim !== 2)
        throw new TorchError(`Muon: expected matrices as parameters, got shape [${param.shape.join(", ")}]`);
    }
  }

  protected initialState(param: Tensor): ParamState {
    return { momentum_buffer: zerosLike(param) };
  }

  override get readsOnHost(): null {
    return null;
  }

  protected updateGroup(group: ParamGroup<MuonOptions>, batch: Batch): void {
    // A rate that lies on a device stays there: reading it would wait, and cannot be recorded.
    const lr = typeof group.lr !== "number" && group.lr.device !== "cpu" ? group.lr : learningRate(group.lr);
    const buffers = batch.tensors("momentum_buffer");
    for (const [i, param] of batch.params.entries()) {
      const [gradient, buffer] = [batch.grads[i] as Tensor, buffers[i] as Tensor];
      buffer.lerp_(gradient, 1 - group.momentum);
      const direction = group.nesterov ? gradient.lerp(buffer, group.momentum) : buffer;
      const update = orthogonalised(direction, group);
      const factor = shapeFactor(param, group.adjustLrFn);
      if (typeof lr === "number") {
        param.mul_(1 - lr * group.weightDecay);
        param.add_(update, { alpha: -lr * factor });
      } else {
        param.mul_(lr.mul(-group.weightDecay).add(1));
        param.sub_(update.to(param.dtype).mul(lr.mul(factor)));
      }
    }
  }
}

function shapeFactor(param: Tensor, adjust: MuonOptions["adjustLrFn"]): number {
  const [rows, columns] = [param.size(0), param.size(1)];
  return adjust === "match_rms_adamw"
    ? 0.2 * Math.sqrt(Math.max(rows, columns))
    : Math.sqrt(Math.max(1, rows / columns));
}

/** The nearest matrix with singular values about 1, by a quintic Newton–Schulz iteration in bfloat16. */
function orthogonalised(direction: Tensor, { nsCoefficients: [a, b, c], nsSteps, eps }: MuonOptions): Tensor {
  const tall = direction.size(0) > direction.size(1);
  let x = direction.to("bfloat16");
  if (tall) x = x.t();
  x = x.div(x.norm().clampMin(eps));
  for (let step = 0; step < nsSteps; step++) {
    const gram = x.matmul(x.t());
    const factor = addmm(gram, gram, gram, { beta: b, alpha: c });
    x = addmm(x, factor, x, { beta: a });
  }
  return tall ? x.t() : x;
}
