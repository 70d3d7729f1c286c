import { noGrad, scope, type nn } from "../../torch";

/** Sum over all parameters of their 2-norms; 0 without parameters. Buffers do not count. */
export function computeModelNorm(module: nn.Module): number {
  return scope(() =>
    noGrad(() => module.parameters().reduce((sum, parameter) => sum + Number(parameter.norm().item()), 0)),
  );
}
