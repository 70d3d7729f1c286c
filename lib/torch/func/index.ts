/** Functions of functions: `torch.func`. See docs/torch/autograd.md. */
export { functionalCall, stackModuleState, type FunctionalCallOptions } from "./functional-call";
export {
  grad,
  gradAndValue,
  vjp,
  type Argnums,
  type GradTransformOptions,
  type Pullback,
  type PullbackOptions,
  type VjpOptions,
} from "./grad";
export { hessian, jacfwd, jacrev, type JacfwdOptions, type JacrevOptions } from "./jacobian";
export { jvp, type JvpOptions } from "./jvp";
export type { Randomness, Transformable } from "./levels";
export { vmap, type Dims, type VmapOptions } from "./vmap";
