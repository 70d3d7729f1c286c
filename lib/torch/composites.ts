/** Functions that PyTorch writes in Python over its operators. */
import {
  arrayOf,
  checkArgument,
  checkOptions,
  count,
  flag,
  integer,
  nullable,
  tensor as tensorKind,
  text,
  type KindsOf,
} from "./arguments";
import {
  broadcastTensors as broadcast,
  einsum as einsumOperator,
  meshgrid,
  stack,
  _unique2,
  uniqueDim,
} from "./operators.generated";
import type { Tensor } from "./tensor";

const TENSORS = arrayOf(tensorKind);

/**
 * Sums of products in Einstein's notation.
 *
 * @example
 * einsum("bij,bjk->bik", a, b);
 */
export function einsum(equation: string, ...operands: Tensor[] | [readonly Tensor[]]): Tensor {
  checkArgument("einsum", "equation", equation, text);
  const list = operands.length === 1 && Array.isArray(operands[0]) ? operands[0] : operands;
  checkArgument("einsum", "operands", list, TENSORS);
  return einsumOperator(equation, list as readonly Tensor[]);
}

/** Options of {@link unique}. */
export interface UniqueOptions {
  /** Default: true. */
  readonly sorted?: boolean;
  /** Also gives, per input element, its position in the result. */
  readonly returnInverse?: boolean;
  /** Also gives how often each value occurs. */
  readonly returnCounts?: boolean;
  /** Compares whole slices along this dimension instead of single elements. */
  readonly dim?: number;
}

const UNIQUE = {
  sorted: flag,
  returnInverse: flag,
  returnCounts: flag,
  dim: nullable(integer),
} satisfies KindsOf<UniqueOptions>;

/** The distinct values of a tensor: `[values, inverse, counts]`; the last two are empty unless asked for. */
export function unique(
  x: Tensor,
  options: UniqueOptions = {},
  ...surplus: never[]
): [values: Tensor, inverse: Tensor, counts: Tensor] {
  checkArgument("unique", "x", x, tensorKind);
  checkOptions("unique", options, UNIQUE, surplus);
  const { sorted = true, returnInverse = false, returnCounts = false, dim } = options;
  return dim === undefined || dim === null
    ? _unique2(x, sorted, returnInverse, returnCounts)
    : uniqueDim(x, dim, sorted, returnInverse, returnCounts);
}

/** Views of the tensors with the shape that they broadcast to. */
export function broadcastTensors(...tensors: Tensor[] | [readonly Tensor[]]): Tensor[] {
  const list = tensors.length === 1 && Array.isArray(tensors[0]) ? (tensors[0] as Tensor[]) : (tensors as Tensor[]);
  checkArgument("broadcastTensors", "tensors", list, TENSORS);
  return broadcast(list);
}

/** The shape that the shapes broadcast to. */
export function broadcastShapes(...shapes: (readonly number[])[]): number[] {
  for (const shape of shapes) checkArgument("broadcastShapes", "shapes", shape, arrayOf(count));
  const ndim = Math.max(0, ...shapes.map((shape) => shape.length));
  const result = new Array<number>(ndim).fill(1);
  for (const shape of shapes) {
    shape.forEach((length, index) => {
      const at = ndim - shape.length + index;
      if (length === 1) return;
      if (result[at] !== 1 && result[at] !== length) {
        throw new RangeError(
          `broadcastShapes: expected equal lengths or 1 in dimension ${at}, got ${shapes.map((each) => `[${each.join(", ")}]`).join(" and ")}`,
        );
      }
      result[at] = length;
    });
  }
  return result;
}

/** All combinations of the tensors' elements, one per row. */
export function cartesianProd(...tensors: Tensor[]): Tensor {
  checkArgument("cartesianProd", "tensors", tensors, TENSORS);
  if (tensors.length === 1) return tensors[0]!;
  return stack(
    meshgrid(tensors, { indexing: "ij" }).map((grid) => grid.flatten()),
    1,
  );
}
