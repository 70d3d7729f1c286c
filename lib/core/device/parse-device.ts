import { RuntimeError } from "../../config/python-errors";
import type { DType } from "../../torch";

const DEVICE = /^(cpu|cuda|mps|xpu|meta)(:\d+)?$/;
const DTYPE = /^(float|bfloat|complex)\d+$|^(float|double|half)$/;

/** Argument of `Module.to`. */
export type MoveTarget = string | { device?: string; dtype?: DType };

/** Checks the target of a move: what to pass on, and the device in it (null: a dtype only). */
export function parseDevice(target: MoveTarget | number, name: string): { move: MoveTarget; device: string | null } {
  if (typeof target === "number") {
    return { move: `cuda:${target}`, device: `cuda:${target}` };
  }
  const device = typeof target === "string" ? target : (target.device ?? null);
  if (typeof target === "string" && DTYPE.test(target)) {
    return { move: target, device: null };
  }
  if (device !== null && !DEVICE.test(device)) {
    throw new RuntimeError(
      `cannot move model '${name}': expected a device such as 'cpu', 'cuda' or 'cuda:0', but got '${device}'`,
    );
  }
  return { move: target, device };
}
