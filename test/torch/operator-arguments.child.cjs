/**
 * Calls every operator of the addon with wrong arguments; run by operator-arguments.test.ts in a process of its own, so that a crash
 * can be told with the operator's name: the line before the crash says which.
 *
 * Each operator is called with each argument in turn replaced by something of the wrong kind (the others are left to values of
 * the right kind), with none, with too many, with freed and with foreign handles. Every call must throw an Error with a code.
 */
const { writeSync } = require("node:fs");

const native = require(process.argv[2]);
const only = process.argv[3];
native.setNumThreads(1);

const tensor = native.fromBytes(Float32Array.of(1, 2, 3, 4), [2, 2], 6);
const freed = native.fromBytes(Float32Array.of(1), [1], 6);
native.free(freed);

/** A value of the right kind for an argument. */
function fitting(type) {
  const base = type.replace("?", "");
  if (/^Tensor\??\[/.test(type)) return [tensor];
  if (base === "Tensor") return tensor;
  if (/\[\d*\]/.test(type)) return [];
  return (
    {
      int: 1,
      SymInt: 1,
      float: 1,
      Scalar: 1,
      number: 1,
      bool: false,
      str: "sum",
      Device: "cpu",
      Generator: 0,
      ScalarType: 6,
      Layout: 0,
      MemoryFormat: 0,
    }[base] ?? 1
  );
}

class Foreign {}
const KINDS = {
  symbol: Symbol("foreign"),
  function: () => 1,
  object: {},
  foreign: new Foreign(),
  date: new Date(0),
  text: "no such thing",
  wordList: ["a", {}],
  bigArray: new BigInt64Array(2),
};

/** Values that no conversion of this type may take. */
function wrongFor(type) {
  const wrong = [KINDS.symbol, KINDS.function, KINDS.object, KINDS.foreign, KINDS.date, KINDS.wordList];
  const base = type.replace("?", "");
  const list = /\[/.test(type);
  if (base !== "str" && base !== "Device") wrong.push(KINDS.text);
  if (base === "Device") wrong.push(KINDS.text);
  if (base === "Tensor" && !list) wrong.push(freed, -1, NaN, Infinity, 0.5, 12345, 2 ** 60, true, null);
  if (/^Tensor\??\[/.test(type))
    wrong.push([freed], [-1], [NaN], [2 ** 60], tensor, true, new Float64Array([freed]), KINDS.bigArray);
  if (base === "int" && !list) wrong.push(0.5, NaN, Infinity, 1n << 70n, true);
  if (base === "Generator") wrong.push(-1, 1e9, 0.5, true);
  if (/^(ScalarType|Layout|MemoryFormat)$/.test(base)) wrong.push(-1, 1000, 0.5, NaN, true);
  if (base === "bool" && !list) wrong.push(1, 0, "true");
  if (list && !/^Tensor/.test(type)) wrong.push([KINDS.symbol], [KINDS.object], [[1]]);
  return type.endsWith("?") ? wrong.filter((value) => value !== null) : wrong;
}

let calls = 0;
const failures = [];

function mustThrow(name, id, args, what) {
  calls++;
  try {
    native.call(id, ...args);
  } catch (error) {
    if (!(error instanceof Error) || typeof error.code !== "string")
      failures.push(`${name} ${what}: threw ${String(error)} without a code`);
    return;
  }
  failures.push(`${name} ${what}: did not throw`);
}

for (const { name, arguments: parameters } of native.schemas()) {
  if (only && name !== only) continue;
  writeSync(1, `${name}\n`);
  const [base, overload = ""] = [
    name.split("::")[0] + "::" + name.split("::")[1].split(".")[0],
    name.split("::")[1].split(".").slice(1).join("."),
  ];
  const id = native.operator(base, overload);
  const good = parameters.map(({ type }) => fitting(type));
  mustThrow(name, id, [...good, ...new Array(70).fill(1)], "with 70 arguments too many");
  mustThrow(name, id, [...good, 1], "with one argument too many");
  const required = parameters.findIndex(({ hasDefault, type }) => !hasDefault && !type.endsWith("?"));
  if (required >= 0) {
    mustThrow(name, id, [], "without arguments");
    mustThrow(
      name,
      id,
      good.map((value, index) => (index === required ? undefined : value)),
      `without "${parameters[required].name}"`,
    );
  }
  parameters.forEach(({ type, name: argument }, index) => {
    for (const wrong of wrongFor(type)) {
      const given = good.map((value, position) => (position === index ? wrong : value));
      mustThrow(
        name,
        id,
        given,
        `with ${String(Array.isArray(wrong) ? wrong.map(String) : wrong)} for ${type} "${argument}"`,
      );
    }
  });
}
writeSync(1, `${JSON.stringify({ calls, failures: failures.slice(0, 50), failed: failures.length })}\n`);
