import { checkArgument, callable, refuseSurplus } from "../arguments";
import { enableGrad, noGrad } from "../autograd";
import { TorchError, guard } from "../errors";
import { cat } from "../operators.generated";
import { keep, scope } from "../scope";
import { markFloatEntry } from "../serialization/python-values";
import { Tensor } from "../tensor";
import type { Batch } from "./batch";
import { type OptimizerInput, type ParamGroup, type ParamState, Optimizer, learningRate } from "./optimizer";
import { type Evaluation, strongWolfe } from "./strong-wolfe";

/** Options of {@link LBFGS}, in PyTorch's order. */
export interface LBFGSOptions {
  /** Step length; with a line search its first guess (default 1). */
  lr: number | Tensor;
  /** Iterations of one step (default 20). */
  maxIter: number;
  /** Evaluations of the closure in one step (default `maxIter * 5 / 4`). */
  maxEval: number;
  /** A step ends where no entry of the gradient is larger (default 1e-7). */
  toleranceGrad: number;
  /** A step ends where loss and parameters change less (default 1e-9). */
  toleranceChange: number;
  /** Pairs of steps and changes of the gradient that are remembered (default 100). */
  historySize: number;
  /** Line search: `"strong_wolfe"`, or null for steps of length `lr`. */
  lineSearchFn: "strong_wolfe" | null;
}

const DEFAULTS: LBFGSOptions = {
  lr: 1,
  maxIter: 20,
  maxEval: 25,
  toleranceGrad: 1e-7,
  toleranceChange: 1e-9,
  historySize: 100,
  lineSearchFn: null,
};

/** What is remembered between steps; PyTorch keeps it as the state of the first parameter. */
interface Memory {
  func_evals: number;
  n_iter: number;
  al?: (Tensor | null)[];
  d?: Tensor;
  t?: number | Tensor;
  old_dirs?: Tensor[];
  old_stps?: Tensor[];
  ro?: Tensor[];
  H_diag?: number | Tensor;
  prev_flat_grad?: Tensor;
  prev_loss?: number;
}

/**
 * Quasi-Newton steps from the last changes of the gradient (L-BFGS, Liu & Nocedal 1989), with a line search that meets the strong Wolfe
 * conditions on request. For loops of one's own and whole data sets: a step evaluates the loss several times.
 *
 * @example
 * optimizer.step(() => {
 *   optimizer.zeroGrad();
 *   const loss = mseLoss(model.forward(x), y);
 *   loss.backward();
 *   return loss;
 * });
 */
export class LBFGS extends Optimizer<LBFGSOptions> {
  constructor(params: OptimizerInput<LBFGSOptions>, options: Partial<LBFGSOptions> = {}, ...surplus: never[]) {
    const { maxIter = DEFAULTS.maxIter } = options;
    super(params, { ...DEFAULTS, maxEval: Math.floor((maxIter * 5) / 4) }, options, surplus);
    if (this.paramGroups.length !== 1)
      throw new TorchError(`LBFGS: expected one group of parameters, got ${this.paramGroups.length}`);
  }

  protected override checkGroup(group: ParamGroup<LBFGSOptions>): void {
    super.checkGroup(group);
    if (this.paramGroups.length > 0) throw new TorchError("LBFGS: expected one group of parameters, got another one");
    if (group.lineSearchFn !== null && group.lineSearchFn !== "strong_wolfe")
      throw new TorchError(
        `LBFGS: expected "strong_wolfe" or null for lineSearchFn, got ${String(group.lineSearchFn)}`,
      );
    if (group.params.some((param) => param.isComplex())) throw new TorchError("LBFGS: expected real parameters");
  }

  protected initialState(): ParamState {
    return { func_evals: 0, n_iter: 0 };
  }

  /** Not called: {@link step} does all of it. */
  protected updateGroup(_group: ParamGroup<LBFGSOptions>, _batch: Batch): void {}

  override get readsOnHost(): string | null {
    return "LBFGS decides by values of the loss how it goes on";
  }

  /**
   * Up to `maxIter` iterations.
   *
   * @param closure clears gradients, computes the loss, calls `backward()` and returns the loss
   * @returns the loss before the step
   * @throws TorchError without closure
   */
  override step(): undefined;
  override step<T>(closure: () => T): T;
  override step<T>(closure?: () => T, ...surplus: never[]): T | undefined {
    if (closure === undefined)
      throw new TorchError("LBFGS.step: expected a function that computes the loss again, got none");
    checkArgument("LBFGS.step", "closure", closure, callable);
    refuseSurplus("LBFGS.step", surplus);
    return guard("LBFGS.step", () => noGrad(() => this.minimize(closure)));
  }

  private get params(): readonly Tensor[] {
    return this.paramGroups[0]!.params;
  }

  /** The memory, which is made at the first step. */
  private memory(): Memory {
    const first = this.params[0]!;
    let memory = this.state.get(first);
    if (memory === undefined) this.state.set(first, (memory = this.initialState()));
    // what loadStateDict took from a file is taken at its word, as in PyTorch
    return memory as Partial<Memory> as Memory;
  }

  private minimize<T>(closure: () => T): T {
    const group = this.paramGroups[0]!;
    const { maxIter, maxEval, toleranceGrad, toleranceChange, lineSearchFn } = group;
    const lr = learningRate(group.lr);
    const memory = this.memory();
    const original = enableGrad(closure);
    let loss = valueOf(original);
    let evaluations = 1;
    memory.func_evals += 1;
    let gradient = this.flatGradient();
    let isOptimal = largest(gradient) <= toleranceGrad;
    if (isOptimal) return original;

    for (let iteration = 1; ; iteration++) {
      memory.n_iter += 1;
      const isFirst = memory.n_iter === 1;
      const direction = isFirst ? gradient.neg() : this.direction(memory, gradient);
      if (isFirst) Object.assign(memory, { old_dirs: [], old_stps: [], ro: [], H_diag: 1 });
      memory.d = keep(direction);
      memory.prev_flat_grad = keep(gradient.clone());
      const before = loss;
      memory.prev_loss = loss;
      let length = isFirst ? round(gradient, Math.min(1, 1 / sum(gradient)) * lr) : lr;
      memory.t = length;
      const slope = dot(gradient, direction);
      if (slope > -toleranceChange) break;

      let used = 0;
      if (lineSearchFn === "strong_wolfe") {
        const start = this.params.map((param) => param.detach().clone());
        const evaluate = (t: number): Evaluation => {
          this.move(t, direction);
          const value = valueOf(enableGrad(closure));
          const there = this.flatGradient();
          for (const [i, param] of this.params.entries()) param.copy_(start[i]!);
          return { loss: value, gradient: there, slope: dot(there, direction) };
        };
        const found = strongWolfe(evaluate, {
          ...{ first: length, start: { loss, gradient, slope }, maxEvaluations: maxEval - evaluations },
          ...{ largestStep: largest(direction), round: (value) => round(gradient, value) },
        });
        ({ length, evaluations: used } = found);
        ({ loss, gradient } = found.end);
        memory.t = length;
        this.move(length, direction);
        isOptimal = largest(gradient) <= toleranceGrad;
      } else {
        this.move(length, direction);
        if (iteration !== maxIter) {
          loss = valueOf(enableGrad(closure));
          gradient = this.flatGradient();
          isOptimal = largest(gradient) <= toleranceGrad;
          used = 1;
        }
      }
      evaluations += used;
      memory.func_evals += used;
      if (iteration === maxIter || evaluations >= maxEval || isOptimal) break;
      if (largest(direction) * Math.abs(length) <= toleranceChange) break;
      if (Math.abs(loss - before) < toleranceChange) break;
    }
    for (const name of ["t", "prev_loss", "H_diag"] as const)
      if (typeof memory[name] === "number") markFloatEntry(memory, name);
    return original;
  }

  /** The product of the inverse Hessian that the history stands for with the negative gradient; the history gets its newest pair. */
  private direction(memory: Memory, gradient: Tensor): Tensor {
    const { historySize } = this.paramGroups[0]!;
    return scope(() => {
      const [changes, steps, ro] = [memory.old_dirs!, memory.old_stps!, memory.ro!];
      const change = gradient.sub(memory.prev_flat_grad!);
      const step = memory.d!.mul(Number(numberOf(memory.t!)));
      const curvature = change.dot(step);
      if (Number(curvature.item()) > 1e-10) {
        if (changes.length === historySize) for (const list of [changes, steps, ro]) list.shift();
        changes.push(keep(change));
        steps.push(keep(step));
        ro.push(keep(curvature.reciprocal()));
        memory.H_diag = keep(curvature.div(change.dot(change)));
      }
      const al = (memory.al ??= Array.from({ length: historySize }, () => null));
      let q = gradient.neg();
      for (let i = changes.length - 1; i >= 0; i--) {
        al[i] = keep(steps[i]!.dot(q).mul(ro[i]!));
        q = q.sub(changes[i]!.mul(al[i]!));
      }
      let r = q.mul(memory.H_diag! as number);
      for (const [i, change] of changes.entries()) {
        const beta = change.dot(r).mul(ro[i]!);
        r = r.add(steps[i]!.mul(al[i]!.sub(beta)));
      }
      return r;
    });
  }

  /** All gradients in one vector, zeros where there is none. */
  private flatGradient(): Tensor {
    return scope(() =>
      cat(
        this.params.map((param) => (param.grad ?? param.detach().mul(0)).reshape([-1])),
        0,
      )
        .detach()
        .clone(),
    );
  }

  private move(length: number, direction: Tensor): void {
    scope(() => {
      let offset = 0;
      for (const param of this.params) {
        const size = param.numel();
        param.add_(direction.narrow(0, offset, size).reshape(param.shape), { alpha: length });
        offset += size;
      }
    });
  }
}

function valueOf(loss: unknown): number {
  const value = loss instanceof Tensor ? Number(loss.item()) : loss;
  if (typeof value === "number") return value;
  throw new TorchError(`LBFGS.step: expected the closure to return the loss, got ${typeof value}`);
}

const numberOf = (value: number | Tensor): number => (value instanceof Tensor ? Number(value.item()) : value);
const largest = (vector: Tensor): number => scope(() => Number(vector.abs().max().item()));
const sum = (vector: Tensor): number => scope(() => Number(vector.abs().sum().item()));
const dot = (a: Tensor, b: Tensor): number => scope(() => Number(a.dot(b).item()));

/** A number as a 0-dim tensor of the vector's dtype has it: PyTorch's step lengths are such. */
function round(vector: Tensor, value: number): number {
  return vector.dtype === "float32" ? Math.fround(value) : value;
}
