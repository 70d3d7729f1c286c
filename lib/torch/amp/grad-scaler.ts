import { checkOptions, real, type KindsOf } from "../arguments";
import { full } from "../creation";
import { TorchError } from "../errors";
import { _ampForeachNonFiniteCheckAndUnscale_, _ampUpdateScale_, stack } from "../operators.generated";
import type { AnyOptimizer } from "../optim";
import { keep, scope } from "../scope";
import { Float } from "../serialization/python-values";
import { Tensor } from "../tensor";

/** Scales the loss so that small gradients survive float16, and the gradients back before they are used. */
export interface GradScalerLike {
  scale(loss: Tensor): Tensor;
  /** Divides the gradients of the optimizer's parameters by the scale. */
  unscale_(optimizer: AnyOptimizer): void;
  /** Steps the optimizer, unless a gradient is not finite. */
  step(optimizer: AnyOptimizer): void;
  /** Adapts the scale; once per update, after all optimizers. */
  update(): void;
  /** Gives an update up, whatever has been done of it. */
  forgetUpdate?(): void;
  isEnabled(): boolean;
  /** Whether every optimizer left out its step in the last update, because gradients were not finite. */
  readonly foundOverflow?: boolean;
  /** What {@link foundOverflow} reads: 0-dim, not 0 after an overflow; it lies on the device. */
  readonly overflow?: Tensor | null;
  stateDict(): Map<string, unknown>;
  loadStateDict(state: ReadonlyMap<string, unknown>): void;
}

/** For precisions that need no scaling: everything passes through. */
export class NoopGradScaler implements GradScalerLike {
  scale(loss: Tensor): Tensor {
    return loss;
  }

  unscale_(): void {}

  step(optimizer: AnyOptimizer): void {
    optimizer.step();
  }

  update(): void {}

  isEnabled(): boolean {
    return false;
  }

  stateDict(): Map<string, unknown> {
    return new Map();
  }

  loadStateDict(): void {}
}

/** Options of {@link GradScaler}; the defaults are PyTorch's. */
export interface GradScalerOptions {
  readonly initScale?: number;
  readonly growthFactor?: number;
  readonly backoffFactor?: number;
  /** Updates without an overflow after which the scale grows. */
  readonly growthInterval?: number;
}

const OPTIONS = {
  initScale: real,
  growthFactor: real,
  backoffFactor: real,
  growthInterval: real,
} satisfies KindsOf<GradScalerOptions>;

/** What happened to an optimizer in the current update. */
interface OptimizerStage {
  unscaled: boolean;
  stepped: boolean;
  foundInf: Tensor | null;
}

/** Dynamic loss scaling for float16, `torch.amp.GradScaler`: the scale halves after an overflow and doubles after a run of good updates. */
export class GradScaler implements GradScalerLike {
  #scale: Tensor | null = null;
  #growthTracker: Tensor | null = null;
  #initScale: number;
  #initGrowthTracker = 0;
  #growthFactor: number;
  #backoffFactor: number;
  #growthInterval: number;
  readonly #stages = new Map<AnyOptimizer, OptimizerStage>();
  #overflow: Tensor | null = null;

  constructor(options: GradScalerOptions = {}, ...surplus: never[]) {
    checkOptions("GradScaler", options, OPTIONS, surplus);
    const { initScale = 65536, growthFactor = 2, backoffFactor = 0.5, growthInterval = 2000 } = options;
    if (growthFactor <= 1 || backoffFactor >= 1) {
      throw new TorchError(
        `a gradient scaler needs growthFactor > 1 and backoffFactor < 1, but got ${growthFactor} and ${backoffFactor}`,
      );
    }
    this.#initScale = initScale;
    this.#growthFactor = growthFactor;
    this.#backoffFactor = backoffFactor;
    this.#growthInterval = growthInterval;
  }

  isEnabled(): boolean {
    return true;
  }

  get foundOverflow(): boolean {
    return this.#overflow !== null && this.#overflow.item() !== 0;
  }

  get overflow(): Tensor | null {
    return this.#overflow;
  }

  /** Current scale. */
  getScale(): number {
    return this.#scale === null ? this.#initScale : Number(this.#scale.item());
  }

  scale(loss: Tensor): Tensor {
    this.#forgetOverflow();
    return loss.mul(this.#scaleOn(loss.device));
  }

  #forgetOverflow(): void {
    this.#overflow?.dispose();
    this.#overflow = null;
  }

  #scaleOn(device: string): Tensor {
    this.#scale ??= keep(full([], this.#initScale, { dtype: "float32", device }));
    this.#growthTracker ??= keep(full([], this.#initGrowthTracker, { dtype: "int32", device }));
    return this.#scale;
  }

  #stage(optimizer: AnyOptimizer): OptimizerStage {
    const stage = this.#stages.get(optimizer) ?? { unscaled: false, stepped: false, foundInf: null };
    this.#stages.set(optimizer, stage);
    return stage;
  }

  unscale_(optimizer: AnyOptimizer): void {
    const stage = this.#stage(optimizer);
    if (stage.unscaled) {
      throw new TorchError("the gradients of this optimizer were unscaled already in this update");
    }
    if (stage.stepped) {
      throw new TorchError("the gradients of this optimizer cannot be unscaled after its step");
    }
    const gradients = optimizer.paramGroups.flatMap((group) =>
      group.params.flatMap((parameter) => parameter.grad ?? []),
    );
    const first = gradients[0];
    stage.unscaled = true;
    if (first === undefined) {
      return;
    }
    if (gradients.some((gradient) => gradient.dtype === "float16")) {
      throw new TorchError("gradients in float16 cannot be unscaled: keep the parameters in float32 and use autocast");
    }
    const foundInf = scope(() => {
      const found = full([], 0, { dtype: "float32", device: first.device });
      // The reciprocal is taken in float64, as PyTorch does.
      const inverse = this.#scaleOn(first.device).to("float64").reciprocal().to("float32");
      _ampForeachNonFiniteCheckAndUnscale_(gradients, found, inverse);
      return found;
    });
    stage.foundInf = keep(foundInf);
  }

  step(optimizer: AnyOptimizer): void {
    const stage = this.#stage(optimizer);
    if (stage.stepped) {
      throw new TorchError("this optimizer was stepped already in this update");
    }
    if (!stage.unscaled) {
      this.unscale_(optimizer);
    }
    if (stage.foundInf === null) {
      throw new TorchError("no parameter of the optimizer has a gradient");
    }
    // Fused optimizers look at it on the device, so that nobody waits.
    const stepped = optimizer.stepUnless?.(stage.foundInf) ?? false;
    if (!stepped && stage.foundInf.item() === 0) optimizer.step();
    stage.stepped = true;
  }

  update(): void {
    const found = [...this.#stages.values()].flatMap(({ foundInf }) => foundInf ?? []);
    this.#forgetOverflow();
    const [scale, growthTracker] = [this.#scale, this.#growthTracker];
    if (found.length > 0 && scale !== null && growthTracker !== null) {
      this.#overflow = scope(() => {
        const all = stack(found.map((tensor) => tensor.to({ device: scale.device })));
        const any = all.amax();
        const [growth, backoff, interval] = [this.#growthFactor, this.#backoffFactor, this.#growthInterval];
        _ampUpdateScale_(scale, growthTracker, any, growth, backoff, interval);
        return keep(all.amin());
      });
    }
    for (const tensor of found) tensor.dispose();
    this.#stages.clear();
  }

  forgetUpdate(): void {
    for (const { foundInf } of this.#stages.values()) foundInf?.dispose();
    this.#stages.clear();
    this.#forgetOverflow();
  }

  stateDict(): Map<string, unknown> {
    return new Map<string, unknown>([
      ["scale", new Float(this.getScale())],
      ["growth_factor", new Float(this.#growthFactor)],
      ["backoff_factor", new Float(this.#backoffFactor)],
      ["growth_interval", this.#growthInterval],
      ["_growth_tracker", this.#growthTracker === null ? this.#initGrowthTracker : Number(this.#growthTracker.item())],
    ]);
  }

  /** Takes up a state; what it does not have (all of it, after a run in another precision) stays as it is. */
  loadStateDict(state: ReadonlyMap<string, unknown>): void {
    const number = (key: string, fallback: number): number => {
      const value = state.get(key);
      return value === undefined ? fallback : Number(value instanceof Tensor ? value.item() : value);
    };
    this.#initScale = number("scale", this.#initScale);
    this.#growthFactor = number("growth_factor", this.#growthFactor);
    this.#backoffFactor = number("backoff_factor", this.#backoffFactor);
    this.#growthInterval = number("growth_interval", this.#growthInterval);
    this.#initGrowthTracker = number("_growth_tracker", this.#initGrowthTracker);
    this.#scale?.fill_(this.#initScale);
    this.#growthTracker?.fill_(this.#initGrowthTracker);
  }
}
