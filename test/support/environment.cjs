/**
 * Jest's Node environment gives each test file a realm of its own, but Node's modules and the addon make their objects in the
 * main realm. Here both realms share the typed array classes, and `instanceof Error` (TypeError, …) accepts either realm,
 * so that code under test sees what it sees outside jest.
 *
 * The addon's state belongs to the process, which runs many test files: each starts with the same random numbers, and one that
 * leaves another number of threads, default dtype or mode behind fails here, instead of a later one that compares bits.
 * So does one that writes at the root of the file system or of the repository instead of in a temporary folder.
 */
const { readdirSync } = require("node:fs");
const { isDeepStrictEqual } = require("node:util");
const { join, resolve } = require("node:path");
const { TestEnvironment } = require("jest-environment-node");

/** The addon that the tests of this process share; null where there is none. */
const addon = (() => {
  try {
    return require(process.env.NOETHER_NATIVE ?? join(__dirname, "../../native/build/Release/noether_native.node"));
  } catch {
    return null; // the tests say so, with the reason
  }
})();

const sharedClasses = [
  "Int8Array", "Uint8Array", "Uint8ClampedArray", "Int16Array", "Uint16Array", "Int32Array", "Uint32Array",
  "BigInt64Array", "BigUint64Array", "Float32Array", "Float64Array", "ArrayBuffer", "SharedArrayBuffer", "DataView",
]; // prettier-ignore
const errorClasses = [
  "Error",
  "TypeError",
  "RangeError",
  "SyntaxError",
  "ReferenceError",
  "EvalError",
  "URIError",
  "AggregateError",
];

class NoetherEnvironment extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    for (const name of sharedClasses) this.global[name] = globalThis[name];
    for (const name of errorClasses) acceptBothRealms(this.global[name], globalThis[name]);
    this.testPath = context.testPath;
  }

  async setup() {
    await super.setup();
    this.stateBefore = processState();
    this.filesBefore = new Set(filesOfNoTest());
    addon?.manualSeed(0);
  }

  async teardown() {
    const after = processState();
    const changed = Object.keys(after).filter((name) => !isDeepStrictEqual(after[name], this.stateBefore[name]));
    if (addon) restore(this.stateBefore); // to say it once is enough
    await super.teardown();
    const left = filesOfNoTest().filter((path) => !this.filesBefore.has(path));
    if (left.length > 0)
      throw new Error(
        `${this.testPath}: expected its tests to write to temporary folders, they left ${left.join(", ")}`,
      );
    if (changed.length === 0) return;
    const describe = (name) =>
      `${name} was ${JSON.stringify(this.stateBefore[name])}, is ${JSON.stringify(after[name])}`;
    throw new Error(
      `${this.testPath}: expected its tests to restore what belongs to the process, got ${changed.map(describe).join("; ")}`,
    );
  }
}

function filesOfNoTest() {
  const folders = ["/", resolve(__dirname, "../..")];
  return folders.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)));
}

function processState() {
  const workingDirectory = process.cwd();
  if (addon === null) return { workingDirectory };
  return {
    workingDirectory,
    threads: addon.numThreads(),
    defaultDtype: addon.defaultDtype(),
    gradEnabled: addon.gradEnabled(),
    autocast: addon.autocast(),
  };
}

function restore({ workingDirectory, threads, defaultDtype, gradEnabled, autocast }) {
  process.chdir(workingDirectory);
  addon.setNumThreads(threads);
  addon.setDefaultDtype(defaultDtype);
  addon.setGradEnabled(gradEnabled);
  for (const { deviceType, enabled, dtype, cache } of autocast) addon.setAutocast(deviceType, enabled, dtype, cache);
}

function acceptBothRealms(inner, outer) {
  const inPrototypeChain = Function.prototype[Symbol.hasInstance];
  Object.defineProperty(inner, Symbol.hasInstance, {
    // subclasses inherit this static: only the class itself is widened
    value(instance) {
      return inPrototypeChain.call(this, instance) || (this === inner && instance instanceof outer);
    },
  });
}

module.exports = NoetherEnvironment;
