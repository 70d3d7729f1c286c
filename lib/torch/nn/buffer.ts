import { native } from "../addon";
import { checkArgument, checkOptions, flag, tensor } from "../arguments";
import { noGrad } from "../autograd";
import { DEEPCOPY, type CopyInside } from "../deepcopy";
import { registerFinalizer } from "../scope";
import { Tensor } from "../tensor";

/**
 * A tensor that a module counts as its buffer, as `registerBuffer` makes one by name: `readonly omega = new nn.Buffer(omega)`. It shares
 * memory with `data` and belongs to no scope.
 */
export class Buffer extends Tensor {
  readonly #persistent: boolean;

  /** @param options.persistent part of the state dict (default true). */
  constructor(data: Tensor, options: { persistent?: boolean } = {}, ...surplus: never[]) {
    checkArgument("Buffer", "data", data, tensor);
    checkOptions("Buffer", options, { persistent: flag }, surplus);
    const detached = data.detach();
    super(native.alias(detached.handle));
    detached.dispose();
    registerFinalizer(this);
    this.#persistent = options.persistent ?? true;
  }

  /** Whether the state dict holds it. */
  get persistent(): boolean {
    return this.#persistent;
  }

  /** @internal A buffer with the same values. */
  override [DEEPCOPY](_copy: CopyInside): Tensor {
    const data = noGrad(() => this.detach().clone());
    const copy = new Buffer(data, { persistent: this.#persistent });
    data.dispose();
    return copy;
  }
}
