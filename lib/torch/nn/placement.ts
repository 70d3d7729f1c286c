/** Where a module's tensors are moved to: device and dtype of `Module.to`. */
import { native } from "../addon";
import { checkArgument, checkOptions, device, dtype as dtypeKind, show } from "../arguments";
import { dtypeCode, dtypeName, isDType, nearDType, type DType, type DTypeLike } from "../dtype";
import { TorchError } from "../errors";
import { registerFinalizer } from "../scope";
import type { Tensor } from "../tensor";

const FLOATING_DTYPES: ReadonlySet<string> = new Set(["float16", "bfloat16", "float32", "float64"]);

function isFloatingDType(dtype: string): boolean {
  return FLOATING_DTYPES.has(dtype);
}

/** What changes; absent: stays. */
export interface Placement {
  readonly device?: string;
  readonly dtype?: DType;
}

const TO = { device, dtype: dtypeKind };

/**
 * `to("float64")`, `to("cuda:0", "float64")` and `to({ device, dtype })` in one form.
 *
 * @throws TypeError for anything else, TorchError for a dtype that is not floating point.
 */
export function placement(where: string, target: unknown, dtype: DTypeLike | undefined): Placement {
  const wanted = readPlacement(where, target, dtype);
  if (wanted.dtype === undefined) return { device: wanted.device };
  const name = dtypeName(dtypeCode(wanted.dtype));
  if (!isFloatingDType(name)) throw new TorchError(`${where}: expected a floating point dtype, got "${name}"`);
  return { device: wanted.device, dtype: name };
}

function readPlacement(where: string, target: unknown, dtype: unknown): { device?: string; dtype?: DTypeLike } {
  if (typeof target !== "string") {
    if (target === undefined) throw new TypeError(`${where}: expected a dtype, a device or both, got none`);
    checkOptions(where, target as object, TO, [dtype]);
    return target as { device?: string; dtype?: DTypeLike };
  }
  if (isDType(target)) {
    if (dtype !== undefined) throw new TypeError(`${where}: expected one dtype, got "${target}" and ${show(dtype)}`);
    return { dtype: target };
  }
  if (dtype !== undefined) checkArgument(where, "dtype", dtype, dtypeKind);
  else if (nearDType(target) !== "")
    throw new TypeError(`${where}: expected a device or a dtype, got "${target}"${nearDType(target)}`);
  return { device: target, dtype: dtype as DTypeLike | undefined };
}

/** The tensor with the device, and if it holds real floating point numbers the dtype, of `wanted`. */
export function convert(tensor: Tensor, { device, dtype }: Placement): Tensor {
  return tensor.to({
    device: device ?? tensor.device,
    dtype: isFloatingDType(tensor.dtype) ? (dtype ?? tensor.dtype) : tensor.dtype,
  });
}

/** Gives the same tensor object its data on another device or in another dtype. */
export function replaceData(tensor: Tensor, wanted: Placement): void {
  const data = convert(tensor, wanted);
  if (data === tensor) return;
  tensor.setData(data);
  data.dispose();
}

/**
 * Lets a tensor object take the memory of another tensor, without a copy. It stays the same leaf for autograd where its kind of memory stays;
 * from the device `"meta"` it becomes another one, without gradient, behind the same object.
 */
export function takeData(target: Tensor, source: Tensor): void {
  const data = source.detach();
  if (target.device !== "meta" || data.device === "meta") {
    target.setData(data);
  } else {
    const { requiresGrad } = target;
    const before = target.handle;
    target.handle = native.alias(data.handle);
    target.cachedInfo = null;
    native.free(before);
    if (target.owner === null) registerFinalizer(target);
    target.requiresGrad = requiresGrad;
  }
  data.dispose();
}
