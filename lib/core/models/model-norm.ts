import { _foreachAdd_, _foreachMul_, type nn, noGrad, scope, type Tensor } from "../../torch";
import { ValueError } from "../../config/python-errors";

/** Options of {@link updateEma}. */
export interface UpdateEmaOptions {
  /** Share of the target that is kept, 0 to 1. */
  readonly targetFactor: number;
  /** Also copies buffers (they are never averaged). */
  readonly copyBuffers?: boolean;
}

/** Copies parameters and buffers of one module into another of the same structure. */
export function copyParams(source: nn.Module, target: nn.Module): void {
  copyAll(source.parameters(), target.parameters(), "parameters");
  copyBuffers(source, target);
}

/** Sum over all parameters of their 2-norms; 0 without parameters. Buffers do not count. */
export function computeModelNorm(module: nn.Module): number {
  return scope(() =>
    noGrad(() => module.parameters().reduce((sum, parameter) => sum + Number(parameter.norm().item()), 0)),
  );
}

/** Moves the target towards the source: `target <- target * factor + source * (1 - factor)`. */
export function updateEma(
  source: nn.Module,
  target: nn.Module,
  { targetFactor, copyBuffers: withBuffers = false }: UpdateEmaOptions,
): void {
  const averaged = target.parameters();
  if (averaged.length > 0) {
    noGrad(() => {
      _foreachMul_(averaged, targetFactor);
      _foreachAdd_(averaged, source.parameters(), { alpha: 1 - targetFactor });
    });
  }
  if (withBuffers) copyBuffers(source, target);
}

function copyBuffers(source: nn.Module, target: nn.Module): void {
  copyAll(source.buffers(), target.buffers(), "buffers");
}

function copyAll(sources: readonly Tensor[], targets: readonly Tensor[], what: string): void {
  if (sources.length !== targets.length) {
    throw new ValueError(
      `cannot copy ${what} between modules: the source has ${sources.length}, the target ${targets.length}`,
    );
  }
  noGrad(() => targets.forEach((target, i) => target.copy_(sources[i] as Tensor)));
}
