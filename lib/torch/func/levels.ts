/** Levels: what is between the start and the end of a transformed call. */
import { native } from "../addon";
import { callable, checkArgument, show } from "../arguments";
import { refusePromise } from "../async-context";
import { setGradEnabled } from "../autograd/recording";
import { guard } from "../errors";
import { scope, wrap } from "../scope";
import { Tensor } from "../tensor";
import { mapLeaves, type Tree } from "./trees";

/** A function of tensors; its arguments and results may hold them in arrays and plain objects. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- its arguments are handed through
export type Transformable = (...args: any[]) => any;

/** Randomness of what runs for a whole batch at once. */
export type Randomness = "error" | "same" | "different";

/** Runs `body` inside a level, which ends whatever happens. What is made inside is freed, except for what is returned. */
export function withLevel<T>(push: () => number, body: (level: number) => T): T {
  return scope(() => {
    const level = push();
    try {
      return body(level);
    } finally {
      native.popTransform(level);
    }
  });
}

/** A level of grad, in which operations are recorded whether or not they are outside. */
export function withGradLevel<T>(where: string, body: (level: number) => T): T {
  return withLevel(
    () => guard(where, () => native.pushTransform("grad")),
    (level) => setGradEnabled(true, () => body(level)),
  );
}

/** Calls a user's function, which must not be asynchronous: a level belongs to the thread. */
export function callFunction(where: string, func: Transformable, args: readonly unknown[]): unknown {
  const result: unknown = func(...args);
  refusePromise(where, result);
  return result;
}

export function checkFunction(where: string, func: unknown): void {
  checkArgument(where, "func", func, callable);
}

/** What stands for the tensors of a tree inside a level of grad or jvp. */
export function wrapTree(tree: Tree, level: number): Tree {
  return mapLeaves(tree, (leaf) =>
    leaf instanceof Tensor ? guard("wrap", () => wrap(native.wrapAtLevel(leaf.handle, level))) : leaf,
  );
}

/** The way back. */
export function unwrapTree(tree: Tree, level: number): Tree {
  return mapLeaves(tree, (leaf) => (leaf instanceof Tensor ? unwrap(leaf, level) : leaf));
}

export function unwrap(tensor: Tensor, level: number): Tensor {
  return guard("unwrap", () => wrap(native.unwrapAtLevel(tensor.handle, level)));
}

/** The result of a function with auxiliary data, `[result, auxiliary]`. */
export function splitAux(where: string, result: unknown): [unknown, unknown] {
  if (!Array.isArray(result) || result.length !== 2)
    throw new TypeError(`${where}: expected func to return [result, auxiliary] with hasAux, got ${show(result)}`);
  return result as [unknown, unknown];
}
