import { TorchError } from "../errors";
import {
  _foreachAdd_,
  _foreachLerp,
  _foreachLerp_,
  _foreachMul_,
  addmm,
  baddbmm,
  stack,
  zerosLike,
} from "../operators.generated";
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
    const { params, grads } = batch;
    const buffers = batch.tensors("momentum_buffer");
    _foreachLerp_(buffers, grads, 1 - group.momentum);
    const directions = group.nesterov ? _foreachLerp(grads, buffers, group.momentum) : buffers;
    if (typeof lr === "number") _foreachMul_(params, 1 - lr * group.weightDecay);
    else for (const param of params) param.mul_(lr.mul(-group.weightDecay).add(1));
    for (const places of together(params)) {
      const [some, own] = [places.map((i) => params[i] as Tensor), places.map((i) => directions[i] as Tensor)];
      const factor = shapeFactor(some[0] as Tensor, group.adjustLrFn);
      const updates =
        own.length === 1
          ? [orthogonalised(own[0] as Tensor, group)]
          : orthogonalisedStack(own, some[0] as Tensor, group);
      for (const [i, param] of some.entries()) {
        if (typeof lr !== "number") param.sub_((updates[i] as Tensor).to(param.dtype).mul(lr.mul(factor)));
        else if (some.length === 1) param.add_(updates[i] as Tensor, { alpha: -lr * factor });
      }
      if (typeof lr === "number" && some.length > 1) _foreachAdd_(some, updates, { alpha: -lr * factor });
    }
  }
}

/** Places of matrices that are orthogonalised at once: those of equal shape on a device that is slow to start work; on the CPU each alone. */
function together(params: readonly Tensor[]): number[][] {
  const groups = new Map<string, number[]>();
  for (const [i, param] of params.entries()) {
    const key = param.device === "cpu" ? String(i) : `${param.device} ${param.dtype} ${param.shape.join(" ")}`;
    const group = groups.get(key);
    if (group) group.push(i);
    else groups.set(key, [i]);
  }
  return [...groups.values()];
}

function shapeFactor(param: Tensor, adjust: MuonOptions["adjustLrFn"]): number {
  const [rows, columns] = [param.size(0), param.size(1)];
  return adjust === "match_rms_adamw"
    ? 0.2 * Math.sqrt(Math.max(rows, columns))
    : Math.sqrt(Math.max(1, rows / columns));
}

/** {@link orthogonalised} for matrices of one shape, as updates of the dtype of `like`. */
function orthogonalisedStack(directions: readonly Tensor[], like: Tensor, options: MuonOptions): Tensor[] {
  const updates = orthogonalised(stack(directions), options); // (G, rows, columns)
  return updates.to(like.dtype).contiguous().unbind(0);
}

/** The nearest matrix with singular values about 1, by a quintic Newton–Schulz iteration in bfloat16; (…, rows, columns). */
function orthogonalised(direction: Tensor, { nsCoefficients: [a, b, c], nsSteps, eps }: MuonOptions): Tensor {
  const tall = direction.size(-2) > direction.size(-1);
  const many = direction.ndim === 3;
  const product = many ? baddbmm : addmm;
  let x = direction.to("bfloat16");
  if (tall) x = x.mT;
  const norm = many ? x.norm(2, [-2, -1], true) : x.norm();
  x = x.div(norm.clampMin(eps));
  for (let step = 0; step < nsSteps; step++) {
    const gram = x.matmul(x.mT);
    const factor = product(gram, gram, gram, { beta: b, alpha: c });
    x = product(x, factor, x, { beta: a });
  }
  return tall ? x.mT : x;
}
