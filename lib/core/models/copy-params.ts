import { ValueError } from "../../config/python-errors";
import { _foreachAdd_, _foreachMul_, type nn, noGrad, scope, type Tensor } from "../../torch";

/**
 * Copies parameters and buffers of one module into another of the same kind, by position.
 *
 * @throws ValueError when the two have different numbers of them; nothing is copied then.
 */
export function copyParams(source: nn.Module, target: nn.Module): void {
  const pairs = [
    ...pairsOf("parameters", source.parameters(), target.parameters()),
    ...pairsOf("buffers", buffersOf(source), buffersOf(target)),
  ];
  noGrad(() => scope(() => pairs.forEach(([from, to]) => to.copy_(from))));
}

/** Options of {@link updateEma}. */
export interface UpdateEmaOptions {
  /** Copy buffers, which are never averaged; default: they stay. */
  readonly copyBuffers?: boolean;
}

/**
 * One step of an exponential moving average: parameters of `target` become `target * factor + source * (1 - factor)`.
 *
 * @param factor What is kept of the average, e.g. 0.999.
 * @throws ValueError when the two have different numbers of parameters, or of buffers that are to be copied.
 */
export function updateEma(
  source: nn.Module,
  target: nn.Module,
  factor: number,
  { copyBuffers = false }: UpdateEmaOptions = {},
): void {
  const [from, to] = [source.parameters(), target.parameters()];
  pairsOf("parameters", from, to);
  const buffers = copyBuffers ? pairsOf("buffers", buffersOf(source), buffersOf(target)) : [];
  noGrad(() =>
    scope(() => {
      if (to.length > 0) {
        _foreachMul_(to, factor);
        _foreachAdd_(to, from, { alpha: 1 - factor });
      }
      buffers.forEach(([value, own]) => own.copy_(value));
    }),
  );
}

const buffersOf = (module: nn.Module): Tensor[] => module.namedBuffers().map(([, buffer]) => buffer);

function pairsOf(what: string, source: readonly Tensor[], target: readonly Tensor[]): [Tensor, Tensor][] {
  if (source.length !== target.length)
    throw new ValueError(
      `expected two modules with equally many ${what}, but the source has ${source.length} and the target ${target.length}`,
    );
  return source.map((from, i) => [from, target[i]!]);
}
