/** Threads, devices and versions. */
import { native } from "./addon";
import { guard } from "./errors";

/** Threads that one operator may use. */
export function getNumThreads(): number {
  return native.numThreads();
}

/** Sets {@link getNumThreads}; at least 1. */
export function setNumThreads(count: number): void {
  guard("setNumThreads", () => native.setNumThreads(count));
}

/** @internal From here on the operators that this thread calls use no other thread, whatever {@link setNumThreads} says. */
export function computeOnOneThread(): void {
  native.computeOnOneThread();
}

/** Threads that run operators next to each other. */
export function getNumInteropThreads(): number {
  return native.numInteropThreads();
}

/** Sets {@link getNumInteropThreads}; only before the first parallel work, as in PyTorch. */
export function setNumInteropThreads(count: number): void {
  guard("setNumInteropThreads", () => native.setNumInteropThreads(count));
}

/** Versions of the parts: libtorch, the addon, and whether libtorch has CUDA. */
export function versions(): ReturnType<typeof native.versions> {
  return native.versions();
}

/** How libtorch was built. */
export function config(): string {
  return native.config();
}
