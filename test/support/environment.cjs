/**
 * Jest's Node environment gives each test file a realm of its own, but Node's modules and the addon make their objects in the
 * main realm. Here both realms share the typed array classes, and `instanceof Error` (TypeError, …) accepts either realm,
 * so that code under test sees what it sees outside jest.
 */
const { TestEnvironment } = require("jest-environment-node");

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
  }
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
