/** Forward-mode derivatives with dual tensors: `torch.autograd.forward_ad`. */
import { native } from "../addon";
import { checkArgument, checkBody, tensor as tensorKind } from "../arguments";
import { isAsync, refusePromise } from "../async-context";
import { guard, TorchError } from "../errors";
import { scope, wrap } from "../scope";
import type { Tensor } from "../tensor";

let open = false;

/**
 * Runs `body` while tangents are followed: operators on tensors of {@link makeDual} compute derivatives along with values. At its end all
 * tangents are gone; what it returns are the values.
 *
 * libtorch has one such level for the process: another thread waits for its end. `body` is synchronous.
 *
 * @throws TorchError inside of another level, and where an operator has no formula for tangents
 * @example
 * const dy = forwardAD.dualLevel(() => forwardAD.unpackDual(forwardAD.makeDual(x, direction).sin()).tangent);
 */
export function dualLevel<T>(body: () => T, ...surplus: never[]): T {
  checkBody("dualLevel", body, surplus);
  if (isAsync(body))
    throw new TypeError(
      "dualLevel: expected a synchronous function, got one declared async: other threads wait for its end",
    );
  if (open) throw new TorchError("dualLevel: expected no other level around it, got one: levels do not nest");
  if (native.transformDepth() > 0)
    throw new TorchError("dualLevel: expected a call outside of vmap, grad and jvp: inside use func.jvp, which nests");
  guard("dualLevel", () => native.enterForward());
  open = true;
  const before = native.setForwardGrad(true);
  try {
    return scope(() => {
      const result = body();
      refusePromise("dualLevel", result);
      return result;
    });
  } finally {
    native.setForwardGrad(before);
    open = false;
    native.leaveForward();
  }
}

function requireLevel(where: string): void {
  if (!open) throw new TorchError(`${where}: expected a call inside of dualLevel(() => …), got one outside`);
}

/**
 * A tensor with a tangent: the direction in which it is varied.
 *
 * @param tensor floating point or complex
 * @param tangent of its shape and dtype
 */
export function makeDual(tensor: Tensor, tangent: Tensor, ...surplus: never[]): Tensor {
  checkArgument("makeDual", "tensor", tensor, tensorKind);
  checkArgument("makeDual", "tangent", tangent, tensorKind);
  if (surplus.length > 0)
    throw new TypeError("makeDual: expected a tensor and its tangent, got more: levels do not nest");
  requireLevel("makeDual");
  for (const [name, given] of Object.entries({ tensor, tangent }))
    if (!given.isFloatingPoint() && !given.isComplex())
      throw new TypeError(`makeDual: expected a floating point or complex tensor for ${name}, got ${given.dtype}`);
  if (tensor.shape.join() !== tangent.shape.join())
    throw new TypeError(
      `makeDual: expected a tangent of the tensor's shape, [${tensor.shape.join(", ")}], got [${tangent.shape.join(", ")}]`,
    );
  return guard("makeDual", () => wrap(native.makeDual(tensor.handle, tangent.handle)));
}

/** A dual tensor, taken apart. */
export interface UnpackedDual {
  readonly primal: Tensor;
  /** null: it depends on nothing that has a tangent. */
  readonly tangent: Tensor | null;
}

/** Value and tangent of a tensor. Outside of every level there are no tangents. */
export function unpackDual(tensor: Tensor, ...surplus: never[]): UnpackedDual {
  checkArgument("unpackDual", "tensor", tensor, tensorKind);
  if (surplus.length > 0) throw new TypeError("unpackDual: expected a tensor, got more: levels do not nest");
  if (!open) return { primal: tensor, tangent: null };
  const [primal, tangent] = guard("unpackDual", () => native.unpackDual(tensor.handle));
  return { primal: wrap(primal), tangent: tangent === 0 ? null : wrap(tangent) };
}
