import { KeyError } from "../../config/python-errors";

/** One-to-one map that is read in both directions. */
export class Bidict<K, V> {
  private readonly forward = new Map<K, V>();
  private readonly backward = new Map<V, K>();

  constructor(forward: Iterable<readonly [K, V]> = []) {
    for (const [key, value] of forward) {
      this.set(key, value);
    }
  }

  get size(): number {
    return this.forward.size;
  }

  /** Stores the pair; an older pair of the key or of the value is removed. */
  set(key: K, value: V): void {
    if (this.forward.has(key)) {
      this.backward.delete(this.forward.get(key) as V);
    }
    if (this.backward.has(value)) {
      this.forward.delete(this.backward.get(value) as K);
    }
    this.forward.set(key, value);
    this.backward.set(value, key);
  }

  hasKey(key: K): boolean {
    return this.forward.has(key);
  }

  hasValue(value: V): boolean {
    return this.backward.has(value);
  }

  getValueByKey(key: K): V {
    if (!this.forward.has(key)) {
      throw new KeyError(`no value for key ${String(key)}`);
    }
    return this.forward.get(key) as V;
  }

  getKeyByValue(value: V): K {
    if (!this.backward.has(value)) {
      throw new KeyError(`no key for value ${String(value)}`);
    }
    return this.backward.get(value) as K;
  }

  /** Copy of the map from keys to values. */
  toForward(): Map<K, V> {
    return new Map(this.forward);
  }

  /** Copy of the map from values to keys. */
  toBackward(): Map<V, K> {
    return new Map(this.backward);
  }
}
