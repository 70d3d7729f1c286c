/**
 * The pickle machine: protocols 2 to 5, data only. A global name is looked up in the allow-list of `globals.ts` and
 * nowhere else. Every length is checked against what is left of the file, and what the objects would cost is counted
 * against a budget, so that a small hostile file cannot ask for all memory.
 */
import { isUtf8 } from "node:buffer";
import { CheckpointError, damaged, unsupported } from "../errors";
import { ByteArray, Float, Tuple, looksLikeInt } from "../python-values";
import { hashable } from "./arguments";
import type { PickleBytes } from "./bytes";
import { buildGlobal, callGlobal, lookUpGlobal } from "./globals";
import { DictNode, SetNode } from "./nodes";
import { Op } from "./opcodes";
import { decodeText } from "./text";

/** The longest int that is read: CPython's own conversions are quadratic, and nobody stores longer ones. */
const MAX_INT_BYTES = 1024;
/** The longest name of a class, and value in text form. */
const MAX_LINE = 2 ** 20;

/** What an object costs in bytes, roughly, on this side. */
const Cost = { slot: 16, float: 40, memo: 48, list: 64, set: 300, dict: 400, entry: 100, global: 200 } as const;

/** What a persistent id stands for: a storage, in most pickles nothing. */
export type PersistentLoad = (id: unknown) => unknown;

/**
 * Runs a pickle.
 *
 * @param bytes positioned after the pickle afterwards.
 * @param memoryLimit bytes that the objects may cost.
 * @throws CheckpointError for anything but an intact pickle of allowed values.
 */
export function unpickle(
  bytes: PickleBytes,
  memoryLimit: number,
  persistentLoad: PersistentLoad = noStorages,
): unknown {
  return new Machine(bytes, memoryLimit, persistentLoad).run();
}

function noStorages(): never {
  throw damaged("a persistent id where none is due");
}

class Machine {
  private readonly stack: unknown[] = [];
  /** Stack heights at the open marks. */
  private readonly marks: number[] = [];
  private readonly memo = new Map<number, unknown>();
  private spent = 0;

  constructor(
    private readonly bytes: PickleBytes,
    private readonly memoryLimit: number,
    private readonly persistentLoad: PersistentLoad,
  ) {}

  run(): unknown {
    for (;;) {
      const op = this.bytes.byte();
      if (op === Op.STOP) break;
      this.step(op);
    }
    const root = this.pop();
    if (this.stack.length !== 0) throw damaged("a pickle that ends with more than one object");
    return root;
  }

  private step(op: number): void {
    switch (op) {
      case Op.PROTO: {
        const protocol = this.bytes.byte();
        if (protocol > 5) throw new CheckpointError(`expected pickle protocol 0 to 5, got ${protocol}`);
        return;
      }

      // ---- values
      case Op.NONE:
        return this.push(null);
      case Op.NEWTRUE:
        return this.push(true);
      case Op.NEWFALSE:
        return this.push(false);
      case Op.BININT:
        return this.push(this.bytes.int32());
      case Op.BININT1:
        return this.push(this.bytes.byte());
      case Op.BININT2:
        return this.push(this.bytes.uint16());
      case Op.LONG1:
        return this.push(this.integer(this.bytes.byte()));
      case Op.LONG4:
        return this.push(this.integer(this.bytes.uint32()));
      case Op.BINFLOAT: {
        const value = this.bytes.float64();
        this.charge(Cost.float);
        return this.push(looksLikeInt(value) ? new Float(value) : value);
      }
      case Op.SHORT_BINUNICODE:
        return this.push(this.text(this.bytes.byte()));
      case Op.BINUNICODE:
        return this.push(this.text(this.bytes.uint32()));
      case Op.BINUNICODE8:
        return this.push(this.text(this.bytes.uint64()));
      case Op.SHORT_BINSTRING:
        return this.push(this.python2Text(this.bytes.byte()));
      case Op.BINSTRING:
        return this.push(this.python2Text(this.bytes.uint32()));
      case Op.SHORT_BINBYTES:
        return this.push(this.data(this.bytes.byte()));
      case Op.BINBYTES:
        return this.push(this.data(this.bytes.uint32()));
      case Op.BINBYTES8:
        return this.push(this.data(this.bytes.uint64()));
      case Op.BYTEARRAY8:
        return this.push(new ByteArray(this.data(this.bytes.uint64())));

      // ---- values as text: protocols 0 and 1
      case Op.INT:
        return this.push(this.intLine());
      case Op.LONG:
        return this.push(this.decimal(this.line().replace(/L$/, "")));
      case Op.FLOAT: {
        const value = floatOf(this.line());
        return this.push(looksLikeInt(value) ? new Float(value) : value);
      }
      case Op.UNICODE:
        return this.push(unescapeUnicode(this.line()));
      case Op.STRING:
        return this.push(this.stringLine());

      // ---- containers
      case Op.LIST: {
        const items = this.popToMark();
        this.charge(Cost.list);
        return this.push(items);
      }
      case Op.DICT: {
        const items = this.popToMark();
        this.charge(Cost.dict);
        this.push(new DictNode("dict"));
        return this.setItems(items);
      }
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
        return this.push(new DictNode("dict"));
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
        if (!(set instanceof SetNode)) throw damaged("items for something that is not a set");
        for (const item of items) set.items.push(hashable(item));
        this.charge(items.length * Cost.entry);
        return;
      }
      case Op.FROZENSET:
        throw unsupported("a frozenset", "save a set or a list");

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
      case Op.PUT:
        return this.remember(this.memoLine());
      case Op.GET:
        return this.recall(this.memoLine());
      case Op.BINPUT:
        return this.remember(this.bytes.byte());
      case Op.LONG_BINPUT:
        return this.remember(this.bytes.uint32());
      case Op.MEMOIZE:
        return this.remember(this.memo.size);
      case Op.BINGET:
        return this.recall(this.bytes.byte());
      case Op.LONG_BINGET:
        return this.recall(this.bytes.uint32());
      case Op.FRAME:
        this.bytes.uint64();
        return;

      // ---- objects
      case Op.GLOBAL: {
        const module = this.line("utf8");
        return this.push(lookUpGlobal(module, this.line("utf8")));
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
        return this.push(this.persistentLoad(this.pop()));

      default:
        throw new CheckpointError(
          `expected an opcode of a plain pickle, got 0x${op.toString(16).padStart(2, "0")} at byte ${this.bytes.offset - 1}`,
        );
    }
  }

  // ---- budget

  private charge(bytes: number): void {
    this.spent += bytes;
    if (this.spent > this.memoryLimit) {
      throw new CheckpointError(
        `expected objects (besides the tensors) of at most ${this.memoryLimit} bytes, got more; raise the limit with the option "memoryLimit" if you trust the file`,
      );
    }
  }

  // ---- bytes

  private text(length: number): string {
    const from = this.bytes.take(length);
    this.charge(Cost.slot + 2 * length);
    return decodeText(this.bytes.buffer, from, from + length);
  }

  /** A `str` of Python 2, which is bytes; PyTorch reads it as UTF-8. */
  private python2Text(length: number): string {
    const from = this.bytes.take(length);
    this.charge(Cost.slot + 2 * length);
    const bytes = this.bytes.buffer.subarray(from, from + length);
    if (!isUtf8(bytes))
      throw unsupported("a Python 2 string that is not UTF-8", "decode it in Python and save it again");
    return bytes.toString("utf8");
  }

  private data(length: number): Uint8Array {
    const from = this.bytes.take(length);
    this.charge(Cost.list + length);
    return new Uint8Array(this.bytes.buffer.subarray(from, from + length));
  }

  /** Little-endian two's complement of any length. */
  private integer(length: number): number | bigint {
    if (length > MAX_INT_BYTES)
      throw new CheckpointError(`expected an int of at most ${MAX_INT_BYTES} bytes, got ${length}`);
    const from = this.bytes.take(length);
    this.charge(Cost.float + length);
    if (length === 0) return 0;
    if (length <= 6) return this.bytes.buffer.readIntLE(from, length);
    const digits = Buffer.from(this.bytes.buffer.subarray(from, from + length))
      .reverse()
      .toString("hex");
    const value = BigInt.asIntN(8 * length, BigInt(`0x${digits}`));
    return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
  }

  private line(encoding: "utf8" | "latin1" = "latin1"): string {
    const length = this.bytes.lineLength(MAX_LINE);
    const from = this.bytes.take(length + 1);
    this.charge(Cost.slot + 2 * length);
    const { buffer } = this.bytes;
    return encoding === "utf8"
      ? decodeText(buffer, from, from + length)
      : buffer.toString("latin1", from, from + length);
  }

  /** `"00"` and `"01"` are False and True. */
  private intLine(): unknown {
    const line = this.line();
    return line === "00" ? false : line === "01" ? true : this.decimal(line);
  }

  private decimal(digits: string): number | bigint {
    if (!/^-?\d{1,2400}$/.test(digits)) throw damaged("an int whose digits are none");
    const value = BigInt(digits);
    return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
  }

  private memoLine(): number {
    const line = this.line();
    if (!/^\d{1,10}$/.test(line)) throw damaged("a memo entry without a number");
    return Number(line);
  }

  /** A `str` of Python 2 as its `repr`. */
  private stringLine(): string {
    const line = this.line();
    if (!/^(['"])[^\\]*\1$/s.test(line) || line.length < 2)
      throw unsupported("a Python 2 string with escapes, in text form", "save the file again with pickle protocol 2");
    return line.slice(1, -1);
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
    if (!Array.isArray(list) || list instanceof Tuple) throw damaged("items for something that is not a list");
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
    if (!(dict instanceof DictNode) || items.length % 2 !== 0) throw damaged("items for something that is not a dict");
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

/** Python's `repr` of a float. */
function floatOf(text: string): number {
  const special = { inf: Infinity, "-inf": -Infinity, nan: NaN }[text];
  if (special !== undefined) return special;
  if (!/^-?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) throw damaged("a float whose digits are none");
  return Number(text);
}

/** `\uXXXX` and `\UXXXXXXXX` of Python's raw-unicode-escape; other characters stand for themselves. */
function unescapeUnicode(text: string): string {
  return text.replace(/\\u([\da-fA-F]{4})|\\U([\da-fA-F]{8})/g, (_, short?: string, long?: string) => {
    const code = parseInt(short ?? long ?? "", 16);
    if (code > 0x10ffff) throw damaged("a character above U+10FFFF");
    return String.fromCodePoint(code);
  });
}
