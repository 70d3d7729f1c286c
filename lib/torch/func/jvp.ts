import { native } from "../addon";
import { byPositionOrName, flag, show, type KindsOf } from "../arguments";
import { guard, TorchError } from "../errors";
import { zerosLike } from "../operators.generated";
import { wrap } from "../scope";
import type { Tensor } from "../tensor";
import {
  callFunction,
  checkFunction,
  splitAux,
  type Transformable,
  unwrap,
  unwrapTree,
  withLevel,
  wrapTree,
} from "./levels";
import { tensorsOf, withLeaves } from "./trees";

/** Options of {@link jvp}, which can also be given by position in this order. */
export interface JvpOptions {
  /** Refuses results that do not depend on the primals. Default: false, their derivative is zero */
  readonly strict?: boolean;
  /** `func` returns `[result, auxiliary]`. Default: false */
  readonly hasAux?: boolean;
}

const KINDS = { strict: flag, hasAux: flag } satisfies KindsOf<JvpOptions>;

/**
 * The value of a function, and its derivative along `tangents`, in forward mode: `torch.func.jvp`. Operators without a formula for it
 * are an error that names them.
 *
 * @param primals the arguments of `func`, as a list
 * @param tangents a direction for each of their tensors, nested as they are
 * @returns `[output, derivative]`, with `hasAux` `[output, derivative, auxiliary]`
 * @example
 * const [y, dy] = jvp((x) => x.sin(), [x], [onesLike(x)]); // sin(x), cos(x)
 */
export function jvp(
  func: Transformable,
  primals: readonly unknown[],
  tangents: readonly unknown[],
  strict?: boolean | JvpOptions,
  hasAux?: boolean,
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- nested as the results of func are
): [output: any, tangent: any, aux?: any];
export function jvp(
  func: Transformable,
  primals: readonly unknown[],
  tangents: readonly unknown[],
  ...given: unknown[]
): [output: unknown, tangent: unknown, aux?: unknown] {
  checkFunction("jvp", func);
  const { strict = false, hasAux = false } = byPositionOrName<JvpOptions>("jvp", KINDS, given);
  if (!Array.isArray(primals) || !Array.isArray(tangents) || primals.length !== tangents.length)
    throw new TypeError(
      `jvp: expected two lists of the same length, jvp(func, [x], [direction]), got ${show(primals)} and ${show(tangents)}`,
    );
  const inputs = tensorsOf("jvp", "the primals", primals);
  const directions = tensorsOf("jvp", "the tangents", tangents);
  checkDirections(inputs, directions);
  return inForwardMode("jvp", () =>
    withLevel(
      () => guard("jvp", () => native.pushTransform("jvp")),
      (level) => {
        const inside = tensorsOf("jvp", "the primals", wrapTree(inputs, level)).map((primal, index) =>
          guard("jvp", () => wrap(native.makeDual(primal.handle, directions[index]!.handle))),
        );
        const result = callFunction("jvp", func, withLeaves(primals, inside) as unknown[]);
        const [output, aux] = hasAux ? splitAux("jvp", result) : [result, undefined];
        const parts = tensorsOf("jvp", "what func returns", output).map((part) => unpack(part, level, strict));
        const value = withLeaves(
          output,
          parts.map(([primal]) => primal),
        );
        const derivative = withLeaves(
          output,
          parts.map(([, tangent]) => tangent),
        );
        return hasAux ? [value, derivative, unwrapTree(aux, level)] : [value, derivative];
      },
    ),
  );
}

function checkDirections(inputs: readonly Tensor[], directions: readonly Tensor[]): void {
  if (inputs.length !== directions.length)
    throw new TypeError(
      `jvp: expected a tangent for each of ${inputs.length} tensors of the primals, got ${directions.length}`,
    );
  for (const [index, input] of inputs.entries()) {
    const direction = directions[index]!;
    if (input.shape.join() !== direction.shape.join())
      throw new TypeError(
        `jvp: expected a tangent of the primal's shape, [${input.shape.join(", ")}], got [${direction.shape.join(", ")}]`,
      );
  }
}

/** Runs `body` while the thread holds the level of forward-mode derivatives, with tangents followed. */
export function inForwardMode<T>(where: string, body: () => T): T {
  guard(where, () => native.enterForward());
  try {
    const before = native.setForwardGrad(true);
    try {
      return body();
    } finally {
      native.setForwardGrad(before);
    }
  } finally {
    native.leaveForward();
  }
}

function unpack(part: Tensor, level: number, strict: boolean): [primal: Tensor, tangent: Tensor] {
  const [primal, tangent] = guard("jvp", () => native.unpackDual(part.handle));
  const value = unwrap(wrap(primal), level);
  if (tangent !== 0) return [value, unwrap(wrap(tangent), level)];
  if (strict)
    throw new TorchError("jvp: a result does not depend on the primals: without strict its derivative is zero", {
      code: "ERR_AUTOGRAD",
    });
  return [value, zerosLike(value)];
}
