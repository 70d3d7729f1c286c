import type { FieldType } from "../../config/schema";
import { ValueError } from "../../config/python-errors";
import { register } from "../../config/registry";
import { optim, type Tensor, toMap } from "../../torch";
import { readStateDict, writeStateDict } from "../../torch/optim/state-dict";
import { optimizerClass } from "./create-optimizer";
import { Lion } from "./lion";
import { MUON_COMPOSITE, MuonOptimizerConfig } from "./muon-config";

/** Options of {@link MuonComposite}. */
export interface MuonCompositeOptions {
  /** Learning rate of the matrices (default 0.01). */
  lr: number;
  /** Decay of the running mean of the gradient (default 0.95). */
  momentum: number;
  /** Decoupled weight decay of the matrices (default 0.01). */
  weightDecay: number;
  /** The optimizer of everything else (default: Lion), by its `kind`, with its options; `lr` and `weightDecay` are those above where they are left out. */
  secondary: Readonly<Record<string, unknown>>;
  /** Look ahead along the momentum (default true). */
  nesterov: boolean;
  /** Newton–Schulz iterations (default 5). */
  nsSteps: number;
  /** How the learning rate of a matrix depends on its shape (default: as `"original"`). */
  adjustLrFn: "original" | "match_rms_adamw" | null;
}

/**
 * Muon for matrices and a second optimizer, Lion by default, for all other parameters: biases, norms, and tensors of more than two
 * dimensions. Each group is split by that; the groups of Muon come first, and parameters are numbered in that order.
 *
 * State per matrix: `momentum_buffer`; for others that of their optimizer.
 */
export class MuonComposite implements optim.AnyOptimizer {
  static readonly schema: FieldType = MuonOptimizerConfig;
  /** Muon and the secondary optimizer; one that has no parameters is left out. */
  private readonly parts: readonly optim.Optimizer[];

  /**
   * @throws ValueError when there are no parameters
   */
  constructor(params: optim.OptimizerInput<object>, options: Partial<MuonCompositeOptions> = {}) {
    const { secondary = {}, lr = 0.01, momentum = 0.95, weightDecay = 0.01, ...shape } = options;
    const groups = groupsOf(params);
    const matrices = partOf(groups, (param) => param.ndim === 2);
    const others = partOf(groups, (param) => param.ndim !== 2);
    if (matrices.length === 0 && others.length === 0)
      throw new ValueError("MuonComposite: expected parameters, got an empty list");
    const { kind, ...own } = secondary;
    const secondaryClass = typeof kind === "string" ? optimizerClass(kind) : Lion;
    this.parts = [
      ...(matrices.length === 0 ? [] : [new optim.Muon(matrices, { lr, momentum, weightDecay, ...shape })]),
      ...(others.length === 0 ? [] : [new secondaryClass(others, { lr, weightDecay, ...own }) as optim.Optimizer]),
    ];
  }

  /** Groups of matrices, then those of the secondary optimizer: the objects that the optimizers read. */
  get paramGroups(): optim.ParamGroup<optim.BaseOptions>[] {
    return this.parts.flatMap((part) => part.paramGroups);
  }

  /** State by parameter. */
  get state(): Map<Tensor, optim.ParamState> {
    return new Map(this.parts.flatMap((part) => [...part.state]));
  }

  /** What a step of its parts reads. */
  get readsOnHost(): string | null {
    return this.parts.map((part) => part.readsOnHost).find((reads) => reads !== null) ?? null;
  }

  step(): undefined;
  step<T>(closure: () => T): T;
  step<T>(closure?: () => T): T | undefined {
    const [first, ...others] = this.parts;
    const loss = closure === undefined ? first?.step() : first?.step(closure);
    for (const part of others) part.step();
    return loss;
  }

  zeroGrad(options: { setToNone?: boolean } = {}): void {
    for (const part of this.parts) part.zeroGrad(options);
  }

  /** As one optimizer with the groups of all parts has it. */
  stateDict(): optim.OptimizerStateDict {
    return writeStateDict(this.paramGroups, this.state);
  }

  /**
   * Takes over options and state, matched by position.
   *
   * @throws TorchError when the groups differ in number or size; the optimizer is then untouched.
   */
  loadStateDict(stateDict: unknown): void {
    const { state, param_groups } = Object.fromEntries(toMap(stateDict as object)) as optim.OptimizerStateDict;
    // all groups first: a part that refuses its own must not come after one that has taken them
    readStateDict("MuonComposite", { state: new Map(), param_groups }, this.paramGroups, {});
    let next = 0;
    for (const part of this.parts) {
      const groups = param_groups.slice(next, (next += part.paramGroups.length));
      part.loadStateDict({ state, param_groups: groups });
    }
  }

  toString(): string {
    return `MuonComposite (\n${this.parts.join("\n")}\n)`;
  }
}

register(MUON_COMPOSITE, { class: MuonComposite });

/** Parameters as groups. */
function groupsOf(params: optim.OptimizerInput<object>): optim.ParamGroupInput<object>[] {
  const given = [...params] as (Tensor | optim.ParamGroupInput<object>)[];
  return given.every((entry) => isGroup(entry)) ? given : [{ params: given as Tensor[] }];
}

function isGroup(entry: Tensor | optim.ParamGroupInput<object>): entry is optim.ParamGroupInput<object> {
  return "params" in entry;
}

/** The parameters of each group that `belongs` says yes to; groups without any are left out. */
function partOf(
  groups: readonly optim.ParamGroupInput<object>[],
  belongs: (param: Tensor) => boolean,
): optim.ParamGroupInput<object>[] {
  return groups.flatMap((group) => {
    const params = [group.params]
      .flat()
      .flatMap((entry) => ("ndim" in entry ? [entry] : [...entry]))
      .filter(belongs);
    return params.length === 0 ? [] : [{ ...group, params }];
  });
}
