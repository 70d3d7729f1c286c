/** Handles of storages and tensors for work that outlasts a scope. */
import { native } from "../addon";
import type { Device } from "../dtype";
import { scope } from "../scope";
import { Tensor } from "../tensor";

/** The storage on another device, as a handle of its own; frees the given one. */
export function moveStorage(handle: number, device: Device): number {
  const bytes = new Tensor(handle);
  try {
    const moved = bytes.to({ device });
    const result = native.alias(moved.handle);
    if (moved !== bytes) moved.dispose();
    return result;
  } finally {
    bytes.dispose();
  }
}

/** The storage with the bytes of each number reversed, as a handle of its own; frees the given one. */
export function swapBytes(handle: number, numberSize: number): number {
  const bytes = new Tensor(handle);
  try {
    // what is left over after the last whole number is not a number
    const whole = bytes.numel() - (bytes.numel() % numberSize);
    return scope(() => {
      const swapped = bytes.narrow(0, 0, whole).reshape([-1, numberSize]).flip([1]).reshape([whole]); // (bytes)
      return native.alias(swapped.handle);
    });
  } finally {
    bytes.dispose();
  }
}

/** Handles of our own on tensors, for work that outlasts the scope that they belong to. Whoever asks disposes them. */
export function holdTensors(tensors: readonly Tensor[]): Tensor[] {
  return tensors.map((tensor) => new Tensor(native.alias(tensor.handle)));
}
