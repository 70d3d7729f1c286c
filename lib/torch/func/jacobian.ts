import { arrayOf, byPositionOrName, either, flag, integer, oneOf, positive, type KindsOf } from "../arguments";
import { eye } from "../operators.generated";
import { scope } from "../scope";
import type { Tensor } from "../tensor";
import { type Argnums, inFormOf, type Pullback, positionsOf, vjp } from "./grad";
import { jvp } from "./jvp";
import { checkFunction, type Randomness, splitAux, type Transformable } from "./levels";
import { tensorsOf, withLeaves } from "./trees";
import { vmap } from "./vmap";

/** Options of {@link jacrev}, which can also be given by position in this order. */
export interface JacrevOptions {
  /** Default: 0 */
  readonly argnums?: Argnums;
  /** `func` returns `[result, auxiliary]`. Default: false */
  readonly hasAux?: boolean;
  /** At most so many rows at once; null: all of them. */
  readonly chunkSize?: number | null;
}

/** Options of {@link jacfwd}, which can also be given by position in this order. */
export interface JacfwdOptions {
  readonly argnums?: Argnums;
  readonly hasAux?: boolean;
  /** Of random operators inside, see `vmap`. Default: `"error"` */
  readonly randomness?: Randomness;
}

const ARGNUMS = either(integer, arrayOf(integer));
const JACREV = {
  argnums: ARGNUMS,
  hasAux: flag,
  chunkSize: { ...positive, text: `${positive.text} or null`, accepts: (v) => v === null || positive.accepts(v) },
} satisfies KindsOf<JacrevOptions>;
const JACFWD = {
  argnums: ARGNUMS,
  hasAux: flag,
  randomness: oneOf("error", "same", "different"),
} satisfies KindsOf<JacfwdOptions>;

/** For each of the tensors a batch of directions, (total, ...shape): together the unit vectors of all their elements. */
function unitVectors(tensors: readonly Tensor[]): Tensor[] {
  const sizes = tensors.map((tensor) => tensor.numel());
  const total = sizes.reduce((sum, size) => sum + size, 0);
  let start = 0;
  return tensors.map((tensor, index) => {
    const identity = eye(total, { dtype: tensor.dtype, device: tensor.device });
    const columns = identity.narrow(1, start, sizes[index]!);
    start += sizes[index]!;
    return columns.reshape([total, ...tensor.shape]); // (total, numel) → (total, ...shape)
  });
}

/** Parts of the first dimension, one for each tensor. */
function partsOf(rows: Tensor, tensors: readonly Tensor[]): Tensor[] {
  let start = 0;
  return tensors.map((tensor) => {
    const part = rows.narrow(0, start, tensor.numel());
    start += tensor.numel();
    return part;
  });
}

/** The function of the chosen arguments alone. */
function ofChosen(
  func: Transformable,
  args: readonly unknown[],
  positions: readonly number[],
): (...chosen: unknown[]) => unknown {
  return (...chosen) => {
    const all = [...args];
    for (const [index, position] of positions.entries()) all[position] = chosen[index];
    return func(...all) as unknown;
  };
}

/**
 * The Jacobian of a function in reverse mode, all rows at once: `torch.func.jacrev`. Cheaper than {@link jacfwd} where the result has
 * fewer elements than the argument.
 *
 * @returns a function of the same arguments. It gives the derivative of each tensor of the result, nested as that is, by the argument
 *   that `argnums` names (a list for a list of positions), of shape (...result, ...argument); with `hasAux` `[jacobian, auxiliary]`.
 */
export function jacrev<F extends Transformable>(
  func: F,
  argnums?: Argnums | JacrevOptions,
  hasAux?: boolean,
  chunkSize?: number | null,
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- nested as results and arguments are
): (...args: Parameters<F>) => any;
export function jacrev(func: Transformable, ...given: unknown[]): Transformable {
  checkFunction("jacrev", func);
  const { argnums = 0, hasAux = false, chunkSize = null } = byPositionOrName<JacrevOptions>("jacrev", JACREV, given);
  return (...args) =>
    scope(() => {
      const positions = positionsOf("jacrev", argnums, args.length);
      const chosen: unknown[] = positions.map((position) => (args as unknown[])[position]);
      const [output, pullback, aux] = vjp(ofChosen(func, args, positions), chosen, { hasAux }) as [
        unknown,
        Pullback,
        unknown,
      ];
      const outputs = tensorsOf("jacrev", "what func returns", output);
      const units = unitVectors(outputs);
      // (total, ...argument) for each tensor of the arguments
      const rows = tensorsOf(
        "jacrev",
        "gradients",
        vmap((...seeds: Tensor[]): unknown[] => pullback(withLeaves(output, seeds)), { chunkSize })(...units),
      );
      const inputs = tensorsOf("jacrev", "what argnums names", chosen);
      const parts = rows.map((all) => partsOf(all, outputs));
      const jacobians = outputs.map((result, row) => {
        const leaves = inputs.map((input, column) => parts[column]![row]!.reshape([...result.shape, ...input.shape])); // (numel, ...argument) → (...result, ...argument)
        return inFormOf(argnums, withLeaves(chosen, leaves) as unknown[]);
      });
      const jacobian = withLeaves(output, jacobians);
      return hasAux ? [jacobian, aux] : jacobian;
    });
}

/**
 * The Jacobian of a function in forward mode, all columns at once: `torch.func.jacfwd`. Cheaper than {@link jacrev} where the argument
 * has fewer elements than the result.
 *
 * @returns as {@link jacrev}
 */
export function jacfwd<F extends Transformable>(
  func: F,
  argnums?: Argnums | JacfwdOptions,
  hasAux?: boolean,
  randomness?: Randomness,
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- nested as results and arguments are
): (...args: Parameters<F>) => any;
export function jacfwd(func: Transformable, ...given: unknown[]): Transformable {
  checkFunction("jacfwd", func);
  const options = byPositionOrName<JacfwdOptions>("jacfwd", JACFWD, given);
  const { argnums = 0, hasAux = false, randomness = "error" } = options;
  return (...args) =>
    scope(() => {
      const positions = positionsOf("jacfwd", argnums, args.length);
      const chosen: unknown[] = positions.map((position) => (args as unknown[])[position]);
      const inputs = tensorsOf("jacfwd", "what argnums names", chosen);
      const units = unitVectors(inputs);
      let form: unknown;
      // the values and the auxiliary data are the same for every column
      const [columns, aux] = splitAux(
        "jacfwd",
        vmap(
          (...directions: Tensor[]) => {
            const inside = ofChosen(func, args, positions);
            const [output, tangent, extra] = jvp(inside, chosen, withLeaves(chosen, directions) as unknown[], {
              hasAux,
            }) as [unknown, unknown, unknown];
            form = output;
            return [tensorsOf("jacfwd", "the derivative", tangent), hasAux ? extra : []];
          },
          { randomness, outDims: [0, hasAux ? null : 0] },
        )(...units),
      ) as [Tensor[], unknown];
      const jacobians = columns.map((all) => {
        const leaves = partsOf(all, inputs).map((part, index) => {
          // (numel, ...result) → (...result, numel) → (...result, ...argument)
          const last = part.movedim(0, -1);
          return last.reshape([...all.shape.slice(1), ...inputs[index]!.shape]);
        });
        return inFormOf(argnums, withLeaves(chosen, leaves) as unknown[]);
      });
      const jacobian = withLeaves(form, jacobians);
      return hasAux ? [jacobian, aux] : jacobian;
    });
}

/**
 * The Hessian of a function, forward over reverse: `torch.func.hessian`.
 *
 * @returns a function of the same arguments. For a result and an argument it gives shape (...result, ...argument, ...argument); for
 *   `argnums` a list, a list of lists.
 */
export function hessian<F extends Transformable>(
  func: F,
  argnums: Argnums = 0,
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- nested as results and arguments are
): (...args: Parameters<F>) => any {
  return jacfwd(jacrev(func, argnums), argnums);
}
