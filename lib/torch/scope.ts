/**
 * Who frees tensors. A tensor made while a scope is open belongs to that scope and is freed at its end, unless the
 * scope's function returns it or {@link keep} takes it out. A tensor made outside every scope is freed by the garbage
 * collector, in time.
 */
import { types } from "node:util";
import { native } from "./addon";
import { checkBody, refuseSurplus } from "./arguments";
import { connectScopes, frameModes, isAsync, refusePromise, runInFrame } from "./async-context";
import { Tensor } from "./tensor";

/** @internal The tensors of one running `scope` call. */
export class Scope {
  readonly tensors: Tensor[] = [];
  closed = false;

  constructor(readonly parent: Scope | null) {}
}

let current: Scope | null = null;
connectScopes<Scope>(
  () => current,
  (scope) => {
    current = scope;
  },
);

/** Puts a tensor into the care of the garbage collector. */
function track(tensor: Tensor): void {
  if (!watching) watch();
  native.track(tensor, tensor.handle);
}

/** Tells the native side when V8 has collected for reasons of its own: an object that nobody holds ends with every collection. */
const collections = new FinalizationRegistry<undefined>(() => {
  native.sweep();
  watch();
});
let watching = false;

function watch(): void {
  watching = true;
  collections.register({}, undefined);
}

/** @internal A tensor for a handle that a native call made: it belongs to the open scope. */
export function wrap(handle: number): Tensor {
  const scope = current;
  const tensor = new Tensor(handle, scope);
  if (scope !== null) scope.tensors.push(tensor);
  else track(tensor);
  return tensor;
}

/** @internal Tensors for a list of handles. */
export function wrapList(handles: readonly number[]): Tensor[] {
  const list: Tensor[] = new Array<Tensor>(handles.length);
  for (let index = 0; index < handles.length; index++) list[index] = wrap(handles[index]!);
  return list;
}

/**
 * Runs a function and frees every tensor that was made inside, except those in its result (also nested in arrays,
 * objects, maps and sets) and those given to {@link keep}. Scopes nest: a result passes to the enclosing scope.
 * The graph that autograd records keeps what it needs, so intermediates may be freed before `backward()`.
 *
 * @param body a synchronous function, or one declared `async` (then the scope lasts until its promise settles, and
 *   interleaved asynchronous scopes keep apart).
 * @returns what `body` returns.
 * @example
 * const loss = scope(() => mseLoss(model.forward(x), y).item());
 */
export function scope<T>(body: () => T, ...surplus: never[]): T {
  checkBody("scope", body, surplus);
  const own = new Scope(current);
  return isAsync(body) ? (scopeAsync(own, body as () => Promise<unknown>) as T) : scopeSync(own, body);
}

function scopeSync<T>(own: Scope, body: () => T): T {
  const outer = current;
  current = own;
  let result: T;
  try {
    result = body();
    refusePromise("scope", result);
  } catch (error) {
    close(own, undefined);
    throw error;
  } finally {
    current = outer;
  }
  close(own, result);
  return result;
}

async function scopeAsync<T>(own: Scope, body: () => Promise<T>): Promise<T> {
  const result = await runIn(own, body);
  close(own, result);
  return result;
}

/** Runs an async function in a scope, which is closed only where it fails. */
async function runIn<T>(own: Scope, body: () => Promise<T>): Promise<T> {
  const activate = (): void => {
    current = openScope(own);
  };
  try {
    return await runInFrame({ activate, modes: frameModes() }, body);
  } catch (error) {
    close(own, undefined);
    throw error;
  }
}

/** @internal Runs an async function; where it fails, every tensor that it made is freed, else they belong to the scope around it. */
export async function freeIfFails<T>(body: () => Promise<T>): Promise<T> {
  const own = new Scope(current);
  const result = await runIn(own, body);
  own.closed = true;
  const to = openScope(own.parent);
  for (const tensor of own.tensors) if (tensor.owner === own) passOn(tensor, to);
  return result;
}

/** The scope itself, or the nearest one around it that is still open. */
function openScope(scope: Scope | null): Scope | null {
  while (scope !== null && scope.closed) scope = scope.parent;
  return scope;
}

/** Frees the tensors of a scope, except those in `result`, which pass on. Where a result cannot be searched, all are freed. */
function close(scope: Scope, result: unknown): void {
  scope.closed = true;
  const found: Tensor[] = [];
  try {
    search(result, found);
    const to = openScope(scope.parent);
    for (const tensor of found) if (tensor.owner === scope) passOn(tensor, to);
  } finally {
    freeOwned(scope);
  }
}

let buffer = new Float64Array(1024);

function freeOwned(scope: Scope): void {
  const { tensors } = scope;
  if (tensors.length > buffer.length) buffer = new Float64Array(2 * tensors.length);
  let count = 0;
  for (const tensor of tensors) {
    if (tensor.owner !== scope) continue;
    tensor.owner = null;
    if (tensor.handle === 0) continue;
    buffer[count++] = tensor.handle;
    tensor.handle = 0;
    tensor.cachedInfo = null;
  }
  tensors.length = 0;
  if (count > 0) native.freeMany(buffer.subarray(0, count));
}

/** Collects the tensors in a value, also nested in arrays, objects, maps and sets. */
function search(value: unknown, found: Tensor[]): void {
  if (value instanceof Tensor) found.push(value);
  else if (isContainer(value)) {
    const seen = new Set<object>([value]);
    // The set grows while it is walked; no recursion, since a result may be a long chain.
    for (const container of seen)
      for (const entry of contents(container)) {
        if (entry instanceof Tensor) found.push(entry);
        else if (isContainer(entry)) seen.add(entry);
      }
  }
}

/** Objects of another realm (a vm context, a test runner's) count as this one's. */
function isContainer(value: unknown): value is object {
  return (
    typeof value === "object" &&
    value !== null &&
    !ArrayBuffer.isView(value) &&
    !types.isAnyArrayBuffer(value) &&
    !types.isPromise(value)
  );
}

function contents(container: object): Iterable<unknown> {
  if (types.isMap(container)) return [...container.keys(), ...container.values()];
  return Array.isArray(container) || types.isSet(container)
    ? (container as Iterable<unknown>)
    : Object.values(container);
}

function passOn(tensor: Tensor, to: Scope | null): void {
  tensor.owner = to;
  if (to !== null) to.tensors.push(tensor);
  else if (tensor.handle !== 0) track(tensor);
}

/**
 * Takes tensors (also nested in arrays, objects, maps and sets) out of every open scope: they live until they are disposed or
 * collected. Modules do this for parameters and buffers, optimizers for their state.
 *
 * @returns the value given.
 */
export function keep<T>(value: T, ...surplus: never[]): T {
  if (surplus.length > 0) refuseSurplus("keep", surplus);
  const found: Tensor[] = [];
  search(value, found);
  for (const tensor of found) if (tensor.owner !== null) passOn(tensor, null);
  return value;
}

/** @internal Gives a tensor that no scope owns to the open one, which frees it at its end. */
export function release(tensor: Tensor): void {
  if (tensor.owner === null && current !== null) passOn(tensor, current);
}

/** @internal Puts a tensor that a subclass constructed (and no scope owns) into the care of the garbage collector. */
export function registerFinalizer(tensor: Tensor): void {
  track(tensor);
}

/** @internal The open scope as an activation for a frame that nests in it. */
export function currentActivation(): () => void {
  const scope = current;
  return () => {
    current = openScope(scope);
  };
}
