/**
 * The pickle machine: protocols 2 to 5, data only. A global name is looked up in the allow-list of `globals.ts` and
 * nowhere else. Every length is checked against what is left of the file, and what the objects would cost is counted
 * against a budget, so that a small hostile file cannot ask for all memory.
 */
import { isUtf8 } from "node:buffer";
import { CheckpointError, damaged } from "../errors";
import { Float, Tuple, looksLikeInt } from "../python-values";
import { buildGlobal, callGlobal, hashable, lookUpGlobal, persistentStorage } from "./globals";
import { DictNode, SetNode } from "./nodes";
import type { Pickled, StorageNode } from "./nodes";
import { Op } from "./opcodes";

/** The longest int that is read: CPython's own conversions are quadratic, and nobody stores longer ones. */
const MAX_INT_BYTES = 1024;

/** What an object costs in bytes, roughly, on this side. */
const Cost = { slot: 16, float: 40, memo: 48, list: 64, set: 300, dict: 400, entry: 100, global: 200 } as const;

/**
 * Runs a pickle.
 *
 * @param memoryLimit bytes that the objects may cost.
 * @throws CheckpointError for anything but an intact pickle of allowed values.
 */
export function unpickle(bytes: Uint8Array, memoryLimit: number): Pickled {
  return new Machine(bytes, memoryLimit).run();
}

class Machine {
  private readonly buffer: Buffer;
  private position = 0;
  private readonly stack: unknown[] = [];
  /** Stack heights at the open marks. */
  private readonly marks: number[] = [];
  private readonly memo = new Map<number, unknown>();
  private readonly storages = new Map<string, StorageNode>();
  private spent = 0;

  constructor(
    bytes: Uint8Array,
    private readonly memoryLimit: number,
  ) {
    this.buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  run(): Pickled {
    if (this.byte() !== Op.PROTO) throw damaged("data that does not begin like a pickle");
    const protocol = this.byte();
    if (protocol < 2 || protocol > 5) throw new CheckpointError(`expected pickle protocol 2 to 5, got ${protocol}`);
    for (;;) {
      const op = this.byte();
      if (op === Op.STOP) break;
      this.step(op);
    }
    const root = this.pop();
    if (this.stack.length !== 0) throw damaged("a pickle that ends with more than one object");
    return { root, storages: this.storages };
  }

  private step(op: number): void {
    switch (op) {
      // ---- values
      case Op.NONE:
        return this.push(null);
      case Op.NEWTRUE:
        return this.push(true);
      case Op.NEWFALSE:
        return this.push(false);
      case Op.BININT:
        return this.push(this.buffer.readInt32LE(this.take(4)));
      case Op.BININT1:
        return this.push(this.byte());
      case Op.BININT2:
        return this.push(this.buffer.readUInt16LE(this.take(2)));
      case Op.LONG1:
        return this.push(this.integer(this.byte()));
      case Op.LONG4:
        return this.push(this.integer(this.length32()));
      case Op.BINFLOAT: {
        const value = this.buffer.readDoubleBE(this.take(8));
        this.charge(Cost.float);
        return this.push(looksLikeInt(value) ? new Float(value) : value);
      }
      case Op.SHORT_BINUNICODE:
        return this.push(this.text(this.byte()));
      case Op.BINUNICODE:
        return this.push(this.text(this.length32()));
      case Op.BINUNICODE8:
        return this.push(this.text(this.length64()));
      case Op.SHORT_BINSTRING:
        return this.push(this.latin1(this.byte()));
      case Op.BINSTRING:
        return this.push(this.latin1(this.length32()));
      case Op.SHORT_BINBYTES:
        return this.push(this.data(this.byte()));
      case Op.BINBYTES:
        return this.push(this.data(this.length32()));
      case Op.BINBYTES8:
      case Op.BYTEARRAY8:
        return this.push(this.data(this.length64()));

      // ---- containers
      case Op.EMPTY_LIST:
        this.charge(Cost.list);
        return this.push([]);
      case Op.APPEND: {
        const item = this.pop();
        this.list().push(item);
        return;
      }
      case Op.APPENDS: {
        const items = this.popToMark();
        const list = this.list();
        for (const item of items) list.push(item);
        return;
      }
      case Op.EMPTY_TUPLE:
        return this.tuple([]);
      case Op.TUPLE1:
        return this.tuple([this.pop()]);
      case Op.TUPLE2: {
        const second = this.pop();
        return this.tuple([this.pop(), second]);
      }
      case Op.TUPLE3: {
        const third = this.pop();
        const second = this.pop();
        return this.tuple([this.pop(), second, third]);
      }
      case Op.TUPLE:
        return this.tuple(this.popToMark());
      case Op.EMPTY_DICT:
        this.charge(Cost.dict);
        return this.push(new DictNode(false));
      case Op.SETITEM: {
        const value = this.pop();
        return this.setItems([this.pop(), value]);
      }
      case Op.SETITEMS:
        return this.setItems(this.popToMark());
      case Op.EMPTY_SET:
        this.charge(Cost.set);
        return this.push(new SetNode());
      case Op.ADDITEMS: {
        const items = this.popToMark();
        const set = this.top();
        if (!(set instanceof SetNode)) throw damaged("items for something that is no set");
        for (const item of items) set.items.push(hashable(item));
        this.charge(items.length * Cost.entry);
        return;
      }
      case Op.FROZENSET:
        throw new CheckpointError("expected only plain data and tensors, got a frozenset: save a set or a list");

      // ---- stack and memo
      case Op.MARK:
        this.marks.push(this.stack.length);
        return this.charge(Cost.slot);
      case Op.POP:
        // POP right after MARK takes the mark, as in CPython
        if (this.stack.length === this.floor() && this.marks.length > 0) this.marks.pop();
        else this.pop();
        return;
      case Op.POP_MARK:
        this.popToMark();
        return;
      case Op.DUP:
        return this.push(this.top());
      case Op.BINPUT:
        return this.remember(this.byte());
      case Op.LONG_BINPUT:
        return this.remember(this.length32());
      case Op.MEMOIZE:
        return this.remember(this.memo.size);
      case Op.BINGET:
        return this.recall(this.byte());
      case Op.LONG_BINGET:
        return this.recall(this.length32());
      case Op.FRAME:
        this.length64();
        return;

      // ---- objects
      case Op.GLOBAL: {
        const module = this.line();
        return this.push(lookUpGlobal(module, this.line()));
      }
      case Op.STACK_GLOBAL: {
        const name = this.pop();
        const module = this.pop();
        if (typeof name !== "string" || typeof module !== "string") throw damaged("a global without a name");
        return this.push(lookUpGlobal(module, name));
      }
      case Op.REDUCE:
      case Op.NEWOBJ: {
        const args = this.pop();
        const callee = this.pop();
        this.charge(Cost.dict);
        if (Array.isArray(args) && Array.isArray(args[0])) this.charge(args[0].length * Cost.entry);
        if (Array.isArray(args) && typeof args[0] === "string") this.charge(args[0].length);
        return this.push(callGlobal(callee, args));
      }
      case Op.BUILD: {
        const state = this.pop();
        return buildGlobal(this.top(), state);
      }
      case Op.BINPERSID:
        this.charge(Cost.global);
        return this.push(persistentStorage(this.pop(), this.storages));

      default:
        throw new CheckpointError(
          `expected an opcode of a plain pickle, got 0x${op.toString(16).padStart(2, "0")} at byte ${this.position - 1}`,
        );
    }
  }

  // ---- budget

  private charge(bytes: number): void {
    this.spent += bytes;
    if (this.spent > this.memoryLimit) {
      throw new CheckpointError(
        `expected objects (beside the tensors) of at most ${this.memoryLimit} bytes, got more; raise the limit with the option "memoryLimit" if you trust the file`,
      );
    }
  }

  // ---- bytes

  /** Position of the next `count` bytes, which it passes. */
  private take(count: number): number {
    const from = this.position;
    if (count > this.buffer.length - from)
      throw damaged(`a pickle that ends within a value (byte ${from} of ${this.buffer.length})`);
    this.position = from + count;
    return from;
  }

  private byte(): number {
    return this.buffer[this.take(1)]!;
  }

  private length32(): number {
    return this.buffer.readUInt32LE(this.take(4));
  }

  private length64(): number {
    return Number(this.buffer.readBigUInt64LE(this.take(8)));
  }

  private text(length: number): string {
    const from = this.take(length);
    this.charge(Cost.slot + 2 * length);
    const text = this.buffer.toString("utf8", from, from + length);
    // the decoder replaces what is no UTF-8
    if (text.includes("\ufffd") && !isUtf8(this.buffer.subarray(from, from + length)))
      throw damaged("text that is no UTF-8");
    return text;
  }

  private latin1(length: number): string {
    const from = this.take(length);
    this.charge(Cost.slot + 2 * length);
    return this.buffer.toString("latin1", from, from + length);
  }

  private data(length: number): Uint8Array {
    const from = this.take(length);
    this.charge(Cost.list + length);
    return new Uint8Array(this.buffer.subarray(from, from + length));
  }

  /** Little-endian two's complement of any length. */
  private integer(length: number): number | bigint {
    if (length > MAX_INT_BYTES)
      throw new CheckpointError(`expected an int of at most ${MAX_INT_BYTES} bytes, got ${length}`);
    const from = this.take(length);
    this.charge(Cost.float + length);
    if (length === 0) return 0;
    if (length <= 6) return this.buffer.readIntLE(from, length);
    const digits = Buffer.from(this.buffer.subarray(from, from + length))
      .reverse()
      .toString("hex");
    const value = BigInt.asIntN(8 * length, BigInt(`0x${digits}`));
    return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
  }

  private line(): string {
    const end = this.buffer.indexOf(0x0a, this.position);
    if (end < 0) throw damaged("a global name without an end");
    if (end - this.position > 1000) throw damaged("a global name of more than 1000 bytes");
    const text = this.text(end - this.position);
    this.take(1);
    return text;
  }

  // ---- stack

  private floor(): number {
    return this.marks.length > 0 ? this.marks[this.marks.length - 1]! : 0;
  }

  private push(value: unknown): void {
    this.charge(Cost.slot);
    this.stack.push(value);
  }

  private pop(): unknown {
    if (this.stack.length <= this.floor()) throw damaged("a pickle that takes more from the stack than there is");
    return this.stack.pop();
  }

  private top(): unknown {
    if (this.stack.length <= this.floor()) throw damaged("a pickle that takes more from the stack than there is");
    return this.stack[this.stack.length - 1];
  }

  private popToMark(): unknown[] {
    const mark = this.marks.pop();
    if (mark === undefined) throw damaged("a pickle without a mark where one is due");
    return this.stack.splice(mark);
  }

  private list(): unknown[] {
    const list = this.top();
    if (!Array.isArray(list) || list instanceof Tuple) throw damaged("items for something that is no list");
    return list;
  }

  private tuple(items: unknown[]): void {
    this.charge(Cost.list + items.length * Cost.slot);
    const tuple = new Tuple();
    for (const item of items) tuple.push(item);
    this.push(tuple);
  }

  private setItems(items: unknown[]): void {
    const dict = this.top();
    if (!(dict instanceof DictNode) || items.length % 2 !== 0) throw damaged("items for something that is no dict");
    this.charge((items.length / 2) * Cost.entry);
    for (let i = 0; i < items.length; i += 2) dict.set(hashable(items[i]), items[i + 1]);
  }

  private remember(index: number): void {
    this.charge(Cost.memo);
    this.memo.set(index, this.top());
  }

  private recall(index: number): void {
    if (!this.memo.has(index)) throw damaged(`a reference to the memo entry ${index}, which there is none of`);
    this.push(this.memo.get(index));
  }
}
