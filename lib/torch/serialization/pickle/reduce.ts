/** What the writer is told of objects that Python makes by calls: `callee(*args)`. */

/** A name of Python: a class or a function. */
export class Global {
  constructor(
    readonly module: string,
    readonly name: string,
  ) {}
}

/** `callee(*args)`. */
export class Reduce {
  constructor(
    readonly callee: Global,
    readonly args: readonly unknown[],
  ) {}
}

/** What a persistent id stands for: a storage, which lies beside the pickle. */
export class PersistentId {
  constructor(readonly id: readonly unknown[]) {}
}
