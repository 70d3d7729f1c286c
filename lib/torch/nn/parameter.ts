import { native } from "../addon";
import { checkArgument, checkOptions, flag, tensor } from "../arguments";
import { noGrad } from "../autograd";
import { DEEPCOPY, type CopyInside } from "../deepcopy";
import { registerFinalizer } from "../scope";
import { Tensor } from "../tensor";

const OPTIONS = { requiresGrad: flag };

/**
 * A tensor that a {@link Module} counts as its parameter: `torch.nn.Parameter`.
 *
 * It shares memory with `data`, is a leaf of the graph, and belongs to no scope: it lives as long as something refers
 * to it.
 */
export class Parameter extends Tensor {
  /** @param options.requiresGrad record gradients (default true; integer parameters need false). */
  constructor(data: Tensor, options: { requiresGrad?: boolean } = {}, ...surplus: never[]) {
    checkArgument("Parameter", "data", data, tensor);
    checkOptions("Parameter", options, OPTIONS, surplus);
    const detached = data.detach();
    super(native.alias(detached.handle));
    detached.dispose();
    registerFinalizer(this);
    if (options.requiresGrad ?? true) this.requiresGrad = true;
  }

  /** @internal The parameter that the addon holds already, instead of one that shares its memory. */
  static around(handle: number): Parameter {
    const parameter = Reflect.construct(Tensor, [handle], Parameter) as Parameter;
    registerFinalizer(parameter);
    return parameter;
  }

  /** @internal A parameter with the same values, without gradient, as in PyTorch. */
  override [DEEPCOPY](_copy: CopyInside): Tensor {
    const data = noGrad(() => this.detach().clone());
    const copy = new Parameter(data, { requiresGrad: this.requiresGrad });
    data.dispose();
    return copy;
  }

  /** As PyTorch prints parameters. */
  override toString(): string {
    return `Parameter containing:\n${super.toString()}`;
  }
}
