import { CheckpointError, load } from "../../../../lib/torch/serialization";
import { Op } from "../../../../lib/torch/serialization/pickle/opcodes";
import { archive, global, int, pickled, program, tensorProgram, text, uint32 } from "../archives";
import type { Tensor } from "../../../../lib/torch";

const four = { "data/0": Buffer.from(new Float32Array([1, 2, 3, 4]).buffer) };

describe("values", () => {
  test("a tensor over a record", () => {
    expect(load<Tensor>(pickled(tensorProgram({}), four)).toArray()).toEqual([1, 2, 3, 4]);
  });

  test("POP, DUP and the memo", () => {
    const loaded = load(pickled([Op.MARK, int(1), Op.DUP, Op.BINPUT, 7, int(9), Op.POP, Op.BINGET, 7, Op.TUPLE]));
    expect([...(loaded as number[])]).toEqual([1, 1, 1]);
  });

  test("a list that contains itself", () => {
    const list = load<unknown[]>(pickled([Op.EMPTY_LIST, Op.BINPUT, 0, Op.BINGET, 0, Op.APPEND]));
    expect(list[0]).toBe(list);
  });

  test("the last of two equal keys counts", () => {
    expect(load(pickled([Op.EMPTY_DICT, Op.MARK, text("a"), int(1), text("a"), int(2), Op.SETITEMS]))).toEqual({
      a: 2,
    });
  });

  test("__proto__ is a key like any other", () => {
    const loaded = load<Map<string, unknown>>(pickled([Op.EMPTY_DICT, text("__proto__"), Op.EMPTY_DICT, Op.SETITEM]));
    expect([...loaded.keys()]).toEqual(["__proto__"]);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

describe("refuses", () => {
  const huge = 2n ** 62n;
  test.each<[string, (number | Uint8Array)[], RegExp]>([
    ["os.system", [global("os", "system"), text("true"), Op.TUPLE1, Op.REDUCE], /global os\.system/],
    ["builtins.eval", [global("__builtin__", "eval"), text("1"), Op.TUPLE1, Op.REDUCE], /global builtins\.eval/],
    ["a global by STACK_GLOBAL", [text("posix"), text("system"), Op.STACK_GLOBAL], /global posix\.system/],
    ["names of Object.prototype", [global("constructor", "__proto__")], /global constructor\.__proto__/],
    ["a name with control characters", [global("a\x1b[31m", "b")], /global a\\u001b\[31m\.b/],
    ["a call of data", [int(1), Op.EMPTY_TUPLE, Op.REDUCE], /a call of something that is not a function/],
    ["a call without a tuple", [global("torch", "Size"), Op.EMPTY_LIST, Op.REDUCE], /without a tuple/],
    ["a state for a list", [Op.EMPTY_LIST, Op.EMPTY_DICT, Op.BUILD], /a state for an object that takes none/],
    ["a bare function", [global("torch", "Size")], /the class or function torch\.Size as a value/],
    ["an empty stack", [], /takes more from the stack/],
    ["a stack with rests", [int(1), int(2)], /more than one object/],
    ["a missing mark", [int(1), Op.TUPLE], /without a mark/],
    ["taking below a mark", [int(1), Op.MARK, Op.TUPLE1, Op.TUPLE], /takes more from the stack/],
    ["an unknown memo entry", [Op.BINGET, 3], /memo entry 3/],
    ["an unknown opcode", [0xff], /0xff at byte 2/],
    ["appending to a tuple", [Op.EMPTY_TUPLE, int(1), Op.APPEND], /not a list/],
    ["items for a list", [Op.EMPTY_LIST, int(1), int(2), Op.SETITEM], /not a dict/],
    ["an odd number of items", [Op.EMPTY_DICT, Op.MARK, int(1), Op.SETITEMS], /not a dict/],
    ["a list as key", [Op.EMPTY_DICT, Op.EMPTY_LIST, int(2), Op.SETITEM], /dict key or set item/],
    ["text longer than the file", [Op.BINUNICODE, uint32(0xffffffff)], /ends within a value/],
    ["8 bytes of length", [Op.BINUNICODE8, Buffer.alloc(8, 0xff)], /ends within a value/],
    ["a long of 4 GB", [Op.LONG4, uint32(0xffffffff)], /int of at most/],
    ["broken UTF-8", [Op.BINUNICODE, uint32(2), Buffer.from([0xc3, 0x28])], /not UTF-8/],
    ["a persistent id that is not a storage", [int(1), Op.BINPERSID], /persistent id/],
    ["a tensor past its storage", tensorProgram({ shape: [5n] }), /needs 20 bytes of storage 0, which has 16/],
    ["an offset past its storage", tensorProgram({ offset: 4n }), /needs 32 bytes/],
    ["a negative offset", tensorProgram({ offset: -1n }), /tensor offset/],
    ["a negative stride", tensorProgram({ strides: [-1n] }), /tensor strides/],
    ["sizes whose product overflows", tensorProgram({ shape: [huge, huge], strides: [0n, 0n] }), /tensor shape/],
    [
      "more than 2^53 elements",
      tensorProgram({ shape: [2n ** 40n, 2n ** 40n], strides: [0n, 0n] }),
      /more than 2\^53 elements/,
    ],
    ["a stride that overflows", tensorProgram({ shape: [2n], strides: [2n ** 52n] }), /needs .* bytes of storage/],
    ["fewer strides than sizes", tensorProgram({ strides: [] }), /more strides than sizes, or fewer/],
    ["a storage larger than its record", tensorProgram({ elements: 1000n }), /16 bytes where 4000 are due/],
    ["a storage of 2^62 elements", tensorProgram({ elements: huge }), /storage size/],
    [
      "a storage without record",
      tensorProgram({ key: "../../etc/passwd" }),
      /without the record data\/\.\.\/\.\.\/etc\/passwd/,
    ],
    ["a class that is not a storage", tensorProgram({ storage: "Size" }), /storage of an unknown class/],
  ])("%s", (_, parts, message) => {
    expect(() => load(pickled(parts, four))).toThrow(CheckpointError);
    expect(() => load(pickled(parts, four))).toThrow(message);
  });

  test("nesting without end", () => {
    const deep = [...Array<number>(100_000).fill(Op.EMPTY_LIST), ...Array<number>(99_999).fill(Op.APPEND)];
    expect(() => load(pickled([Buffer.from(deep)]))).toThrow(/nested at most 1000 deep/);
  });

  test("more objects than memory, from a small file", () => {
    // each round doubles a list by appending its own items
    const flood = Buffer.alloc(2 ** 20, Op.EMPTY_DICT);
    expect(() => load(pickled([Op.MARK, flood, Op.TUPLE]), { memoryLimit: 2 ** 26 })).toThrow(/memoryLimit/);
  });

  test("pickles that do not begin or end like one", () => {
    expect(() => load(archive({ "data.pkl": Buffer.from("hello") }))).toThrow(CheckpointError);
    expect(() => load(archive({ "data.pkl": Buffer.alloc(0) }))).toThrow(CheckpointError);
    expect(() => load(archive({ "data.pkl": program([int(1)]).subarray(0, -1) }))).toThrow(/ends within a value/);
    expect(() => load(archive({ "data.pkl": Buffer.from([Op.PROTO, 9, Op.NONE, Op.STOP]) }))).toThrow(
      /protocol 0 to 5, got 9/,
    );
  });
});
