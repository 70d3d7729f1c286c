/**
 * Who frees tensors. A tensor made while a scope is open belongs to that scope and is freed at its end, unless the
 * scope's function returns it or {@link keep} takes it out. A tensor made outside every scope is freed by the garbage
 * collector, in time.
 */
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

const net = new FinalizationRegistry<number>((handle) => native.free(handle));

/** @internal A tensor for a handle that a native call made: it belongs to the open scope. */
export function wrap(handle: number): Tensor {
  const scope = current;
  const tensor = new Tensor(handle, scope);
  if (scope !== null) scope.tensors.push(tensor);
  else net.register(tensor, handle);
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
  const activate = (): void => {
    current = openScope(own);
  };
  let result: T;
  try {
    result = await runInFrame({ activate, modes: frameModes() }, body);
  } catch (error) {
    close(own, undefined);
    throw error;
  }
  close(own, result);
  return result;
}

/** The scope itself, or the nearest one around it that is still open. */
function openScope(scope: Scope | null): Scope | null {
  while (scope !== null && scope.closed) scope = scope.parent;
  return scope;
}

/** Frees the tensors of a scope, except those in `result`, which pass on. */
function close(scope: Scope, result: unknown): void {
  scope.closed = true;
  if (typeof result === "object" && result !== null) passOnNested(result, scope, openScope(scope.parent), null);
  freeOwned(scope);
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

/** Passes the tensors in `value` that belong to `from` on to `to`. */
function passOnNested(value: object, from: Scope, to: Scope | null, seen: Set<object> | null): void {
  if (value instanceof Tensor) {
    if (value.owner === from) passOn(value, to);
    return;
  }
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof Promise) return;
  seen ??= new Set();
  if (seen.has(value)) return;
  seen.add(value);
  for (const entry of contents(value)) {
    if (typeof entry === "object" && entry !== null) passOnNested(entry, from, to, seen);
  }
}

/** What a container holds. */
function contents(value: object): Iterable<unknown> {
  if (value instanceof Map)
    return [...(value as Map<unknown, unknown>).keys(), ...(value as Map<unknown, unknown>).values()];
  return Array.isArray(value) || value instanceof Set ? (value as Iterable<unknown>) : Object.values(value);
}

function passOn(tensor: Tensor, to: Scope | null): void {
  tensor.owner = to;
  if (to !== null) to.tensors.push(tensor);
  else if (tensor.handle !== 0) net.register(tensor, tensor.handle);
}

/**
 * Takes tensors (also nested in arrays, objects, maps and sets) out of every open scope: they live until they are disposed or
 * collected. Modules do this for parameters and buffers, optimizers for their state.
 *
 * @returns the value given.
 */
export function keep<T>(value: T, ...surplus: never[]): T {
  if (surplus.length > 0) refuseSurplus("keep", surplus);
  if (value instanceof Tensor) {
    if (value.owner !== null) passOn(value, null);
  } else if (typeof value === "object" && value !== null) keepNested(value, new Set());
  return value;
}

/** @internal Puts a tensor that a subclass constructed (and no scope owns) into the care of the garbage collector. */
export function registerFinalizer(tensor: Tensor): void {
  net.register(tensor, tensor.handle);
}

function keepNested(value: object, seen: Set<object>): void {
  if (seen.has(value) || ArrayBuffer.isView(value)) return;
  seen.add(value);
  for (const entry of contents(value)) {
    if (entry instanceof Tensor) keep(entry);
    else if (typeof entry === "object" && entry !== null) keepNested(entry, seen);
  }
}

/** @internal The open scope as an activation for a frame that nests in it. */
export function currentActivation(): () => void {
  const scope = current;
  return () => {
    current = openScope(scope);
  };
}
