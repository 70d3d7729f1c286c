/**
 * What a scope or a mode (no-grad, autocast, …) has set, carried across `await`.
 *
 * Synchronous code sets and restores the state directly and never comes here. An asynchronous function that runs inside
 * `scope`, `noGrad`, … gets a {@link Frame}; Node's async hooks tell when one of its continuations starts and ends, and the
 * frame's state is in effect exactly then. Interleaved asynchronous functions therefore never see each other's state, and
 * nothing is paid per operator. The hook is switched on only while such a function runs.
 */
import { AsyncLocalStorage, createHook, type AsyncHook } from "node:async_hooks";
import { types } from "node:util";

/** A thread-local setting of libtorch that a frame puts in effect. */
export interface Mode {
  enter(): void;
  exit(): void;
}

/** State of one asynchronous function. */
export interface Frame {
  /** Called when the frame takes effect; sets the current scope. */
  readonly activate: () => void;
  /** Settings in the order in which they are entered. */
  readonly modes: readonly Mode[];
}

const ROOT: Frame = { activate: () => setScope(null), modes: [] };
const storage = new AsyncLocalStorage<Frame>();
/** What the callbacks that run now have interrupted, innermost last. */
const interrupted: { readonly frame: Frame; readonly scope: unknown }[] = [];
let active: Frame = ROOT;
let running = 0;
let hook: AsyncHook | null = null;

let getScope: () => unknown = () => null;
let setScope: (scope: unknown) => void = () => undefined;

/** Tells how the current scope is read and set (once, by the scope module). */
export function connectScopes<Scope>(get: () => Scope | null, set: (scope: Scope | null) => void): void {
  getScope = get;
  setScope = set as (scope: unknown) => void;
}

/** The modes in effect through frames, for a frame that nests in this one. */
export function frameModes(): readonly Mode[] {
  return active.modes;
}

function switchModes(frame: Frame): void {
  if (frame.modes !== active.modes) {
    for (let index = active.modes.length - 1; index >= 0; index--) active.modes[index]!.exit();
    for (const mode of frame.modes) mode.enter();
  }
  active = frame;
}

function enter(frame: Frame): void {
  interrupted.push({ frame: active, scope: getScope() });
  switchModes(frame);
  frame.activate();
}

function leave(): void {
  const outer = interrupted.pop();
  if (!outer) return;
  switchModes(outer.frame);
  setScope(outer.scope);
}

/** Runs an asynchronous function inside a frame; the frame is left when its promise settles. */
export async function runInFrame<T>(frame: Frame, body: () => Promise<T>): Promise<T> {
  hook ??= createHook({ before: () => enter(storage.getStore() ?? ROOT), after: leave });
  if (running++ === 0) hook.enable();
  try {
    return await storage.run(frame, () => {
      enter(frame);
      try {
        return body();
      } finally {
        leave();
      }
    });
  } finally {
    if (--running === 0) {
      // The callback that runs now has been entered and will not be left, so this does it.
      leave();
      interrupted.length = 0;
      hook.disable();
    }
  }
}

/** True for functions declared `async`: only these can run inside a frame from their first line on. */
export function isAsync(body: (...args: never[]) => unknown): boolean {
  return types.isAsyncFunction(body);
}

/**
 * Refuses a promise from a function that is not declared `async`: what it does after its first `await` could not be told
 * from other code.
 *
 * @throws TypeError that names the fix.
 */
export function refusePromise(where: string, result: unknown): void {
  if (typeof result !== "object" || result === null || typeof (result as PromiseLike<unknown>).then !== "function")
    return;
  (result as PromiseLike<unknown>).then(undefined, () => undefined);
  throw new TypeError(
    `${where}: expected a synchronous function or one declared async, got a plain function that returned a promise. Write ${where}(async () => await …).`,
  );
}
