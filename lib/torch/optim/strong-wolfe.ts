import type { Tensor } from "../tensor";

/** The loss at a point of the line. */
export interface Evaluation {
  readonly loss: number;
  /** All gradients in one vector. */
  readonly gradient: Tensor;
  /** Derivative of the loss along the line. */
  readonly slope: number;
}

/** Options of {@link strongWolfe}. */
export interface LineSearch {
  /** The length that is tried first. */
  readonly first: number;
  /** At length 0. */
  readonly start: Evaluation;
  readonly maxEvaluations: number;
  /** Largest entry of the direction: a bracket in which nothing moves by more than 1e-9 is small enough. */
  readonly largestStep: number;
  /** Rounds a length to the precision of the parameters. */
  readonly round: (value: number) => number;
}

/** Where a line search ends. */
export interface LineSearchEnd {
  readonly length: number;
  readonly end: Evaluation;
  readonly evaluations: number;
}

/** A point with its length. */
interface Point extends Evaluation {
  readonly length: number;
}

/** Sufficient decrease, curvature, smallest change (Nocedal & Wright 2006, section 3.5, with PyTorch's values). */
const [C1, C2, SMALLEST] = [1e-4, 0.9, 1e-9];

/**
 * A step length that meets the strong Wolfe conditions: the loss falls enough, and the slope is much flatter. First a bracket is found that
 * holds such a length, then it is narrowed by cubic interpolation.
 *
 * @param evaluate the loss at a length; leaves the parameters where they were
 */
export function strongWolfe(
  evaluate: (length: number) => Evaluation,
  { first, start, maxEvaluations, largestStep, round }: LineSearch,
): LineSearchEnd {
  const at = (length: number): Point => ({ ...evaluate(length), length });
  const origin: Point = { ...start, length: 0 };
  const isTooHigh = ({ loss, length }: Point): boolean => loss > start.loss + C1 * length * start.slope;
  const isFlat = ({ slope }: Point): boolean => Math.abs(slope) <= -C2 * start.slope;

  let previous = origin;
  let current = at(first);
  let evaluations = 1;
  let iteration = 0;
  let bracket: [Point, Point] | null = null;
  while (iteration < maxEvaluations) {
    if (isTooHigh(current) || (iteration > 1 && current.loss >= previous.loss)) {
      bracket = [previous, current];
      break;
    }
    if (isFlat(current)) return { length: current.length, end: current, evaluations };
    if (current.slope >= 0) {
      bracket = [previous, current];
      break;
    }
    const [least, most] = [current.length + 0.01 * (current.length - previous.length), current.length * 10];
    const next = round(cubicMinimum(previous, current, least, most));
    previous = current;
    current = at(next);
    evaluations += 1;
    iteration += 1;
  }
  bracket ??= [origin, current];

  let isSlow = false;
  let [low, high] = bracket[0].loss <= bracket[1].loss ? [0, 1] : [1, 0];
  while (iteration < maxEvaluations) {
    const [a, b] = bracket;
    if (Math.abs(b.length - a.length) * largestStep < SMALLEST) break;
    const [left, right] = [Math.min(a.length, b.length), Math.max(a.length, b.length)];
    let length = round(cubicMinimum(a, b, left, right));
    const margin = 0.1 * (right - left);
    if (Math.min(right - length, length - left) < margin) {
      // close to an end: the second time in a row, or at the end itself, a tenth of the bracket away from it
      const moves: boolean = isSlow || length >= right || length <= left;
      if (moves) length = Math.abs(length - right) < Math.abs(length - left) ? right - margin : left + margin;
      isSlow = !moves;
    } else {
      isSlow = false;
    }
    const point = at(length);
    evaluations += 1;
    iteration += 1;
    if (isTooHigh(point) || point.loss >= bracket[low]!.loss) {
      bracket[high] = point;
      [low, high] = bracket[0].loss <= bracket[1].loss ? [0, 1] : [1, 0];
      continue;
    }
    const isDone = isFlat(point);
    if (!isDone && point.slope * (bracket[high]!.length - bracket[low]!.length) >= 0) bracket[high] = bracket[low]!;
    bracket[low] = point;
    if (isDone) break;
  }
  const end = bracket[low]!;
  return { length: end.length, end, evaluations };
}

/** Where the cubic through two points with their slopes is least, within bounds. */
function cubicMinimum(a: Point, b: Point, least: number, most: number): number {
  const d1 = a.slope + b.slope - (3 * (a.loss - b.loss)) / (a.length - b.length);
  const square = d1 ** 2 - a.slope * b.slope;
  if (!(square >= 0)) return (least + most) / 2;
  const d2 = Math.sqrt(square);
  const minimum =
    a.length <= b.length
      ? b.length - (b.length - a.length) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
      : a.length - (a.length - b.length) * ((a.slope + d2 - d1) / (a.slope - b.slope + 2 * d2));
  // NaN (two equal points) becomes the lower bound
  return Math.min(minimum > least ? minimum : least, most);
}
