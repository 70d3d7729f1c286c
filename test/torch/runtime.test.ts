import {
  config,
  cuda,
  DisposedError,
  dtypes,
  getNumInteropThreads,
  getNumThreads,
  initialSeed,
  isDType,
  itemSize,
  manualSeed,
  setNumThreads,
  setRngState,
  getRngState,
  rand,
  TorchError,
  versions,
  zeros,
  Generator,
} from "../../lib/torch";
import { dtypeCode, dtypeName, layoutCode, memoryFormatCode } from "../../lib/torch/dtype";
import { asTorchError, guard, internal } from "../../lib/torch/errors";

describe("threads, devices and versions", () => {
  test("the number of threads can be set", () => {
    const before = getNumThreads();
    try {
      setNumThreads(1);
      expect(getNumThreads()).toBe(1);
    } finally {
      setNumThreads(before);
    }
    expect(getNumInteropThreads()).toBeGreaterThanOrEqual(1);
    expect(() => setNumThreads(0)).toThrow(TorchError);
  });

  test("versions name libtorch, and CUDA only where it is there", () => {
    expect(versions().torch).toMatch(/^2\.\d+\.\d+/);
    expect(cuda.isAvailable()).toBe(cuda.deviceCount() > 0);
    expect(config()).toMatch(/C\+\+/);
  });
});

describe("the default generator", () => {
  test("remembers its seed and takes up a state", () => {
    manualSeed(7);
    expect(initialSeed()).toBe(7n);
    const state = getRngState();
    const first = rand([3]).toArray();
    setRngState(state);
    expect(rand([3]).toArray()).toEqual(first);
  });

  test("seeds beyond 2^53 are bigints", () => {
    expect(new Generator().manualSeed(2n ** 60n).initialSeed()).toBe(2n ** 60n);
  });

  test("refuses a state that is none", () => {
    expect(() => setRngState(zeros([3]))).toThrow(TorchError);
  });

  test("names a device that has no generator", () => {
    expect(() => new Generator("gpu")).toThrow(TorchError);
  });
});

describe("dtypes", () => {
  test("names and codes go both ways", () => {
    expect(dtypes.map((dtype) => dtypeName(dtypeCode(dtype)))).toEqual(dtypes);
    expect([dtypeCode("double"), dtypeCode("long"), dtypeCode(undefined), dtypeCode(null)]).toEqual([
      dtypeCode("float64"),
      dtypeCode("int64"),
      undefined,
      undefined,
    ]);
  });

  test("sizes are libtorch's", () => {
    const plain = dtypes.filter((dtype) => !/^(q|float4)/.test(dtype));
    expect(plain.map((dtype) => zeros([3], { dtype }).bytes().length)).toEqual(
      plain.map((dtype) => 3 * itemSize(dtype)),
    );
  });

  test("other names are refused with those that fit", () => {
    expect(isDType("float33")).toBe(false);
    expect(() => dtypeCode("float33" as "float32")).toThrow(/expected a dtype \(uint8, .*got "float33"/);
    expect(() => layoutCode("csr" as "strided")).toThrow(/expected a layout \(strided, /);
    expect(() => memoryFormatCode("rows" as "channels_last")).toThrow(/expected a memory format/);
    expect(() => dtypeName(99)).toThrow("internal: expected a known c10 ScalarType code, got 99");
  });
});

describe("errors", () => {
  const native = (code: string): Error => Object.assign(new Error("text"), { code, backtrace: "frames" });

  test("native errors become TorchErrors, others pass through", () => {
    const converted = asTorchError(native("ERR_INDEX"), "add") as TorchError;
    expect([converted.name, converted.code, converted.operator, converted.backtrace]).toEqual([
      "TorchError",
      "ERR_INDEX",
      "add",
      "frames",
    ]);
    const own = new RangeError("mine");
    expect(asTorchError(own)).toBe(own);
    expect(asTorchError(Object.assign(new Error("file"), { code: "ENOENT" }))).not.toBeInstanceOf(TorchError);
    expect(asTorchError(native("ERR_DISPOSED"), "add")).toBeInstanceOf(DisposedError);
  });

  test("guard rethrows, internal names a bug of ours", () => {
    expect(() =>
      guard("op", () => {
        throw native("ERR_TORCH");
      }),
    ).toThrow(TorchError);
    expect(() => internal("a bug")).toThrow("internal: a bug");
  });
});
