/** The names of the allow-list that make containers, bytes and numbers. */
import { CheckpointError, damaged } from "../errors";
import { ByteArray, ComplexNumber, Size, TorchDevice, tupleFrom, type Tuple } from "../python-values";
import { count, hashable, real, sizes } from "./arguments";
import { DictNode, SetNode } from "./nodes";

/** What calling a name makes. */
export const CONTAINERS: readonly [string, (args: Tuple) => unknown][] = [
  ["collections.OrderedDict", orderedDict],
  ["collections.Counter", counter],
  ["builtins.set", set],
  ["builtins.bytes", bytes],
  ["builtins.bytearray", (args) => new ByteArray(bytes(args))],
  ["builtins.complex", complex],
  ["_codecs.encode", encode],
  ["torch.Size", (args) => tupleFrom(sizes(args[0], "torch.Size"), Size)],
  ["torch.device", device],
];

function orderedDict(args: Tuple): DictNode {
  const dict = new DictNode("OrderedDict");
  if (args.length === 0) return dict;
  // Python 2 and old PyTorch pass a list of pairs
  const [pairs] = args;
  if (args.length !== 1 || !Array.isArray(pairs)) throw damaged("an OrderedDict with unknown arguments");
  for (const pair of pairs as unknown[]) {
    if (!Array.isArray(pair) || pair.length !== 2) throw damaged("an OrderedDict whose items are not pairs");
    dict.set(hashable(pair[0]), pair[1]);
  }
  return dict;
}

function counter(args: Tuple): DictNode {
  const [counts] = args;
  const dict = new DictNode("Counter");
  if (args.length === 0) return dict;
  if (args.length !== 1 || !(counts instanceof DictNode)) throw damaged("a Counter with unknown arguments");
  for (const [i, key] of counts.keys.entries()) dict.set(key, counts.values[i]);
  return dict;
}

function set(args: Tuple): SetNode {
  const node = new SetNode();
  if (args.length === 0) return node;
  if (args.length !== 1 || !Array.isArray(args[0])) throw damaged("a set with unknown arguments");
  for (const item of args[0] as unknown[]) node.items.push(hashable(item));
  return node;
}

/** `bytes()`, `bytearray(encoded)`, `bytearray(text, "latin-1")`. */
function bytes(args: Tuple): Uint8Array {
  if (args.length === 0) return new Uint8Array(0);
  if (args.length === 1 && args[0] instanceof Uint8Array) return args[0];
  return encode(args);
}

/** Protocol 2 has no bytes: `_codecs.encode(text, "latin1")`. */
function encode(args: Tuple): Uint8Array {
  const [text, encoding] = args;
  if (args.length !== 2 || typeof text !== "string" || (encoding !== "latin1" && encoding !== "latin-1")) {
    throw new CheckpointError("expected bytes as Python's pickle writes them, got bytes in another encoding");
  }
  const result = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 255) throw damaged("bytes with a character above 255");
    result[i] = code;
  }
  return result;
}

function complex(args: Tuple): ComplexNumber {
  if (args.length !== 2) throw damaged("a complex number without two parts");
  return new ComplexNumber(real(args[0]), real(args[1]));
}

function device(args: Tuple): TorchDevice {
  const [type, index] = args;
  if (typeof type !== "string" || args.length > 2) throw damaged("a torch.device without a name");
  return new TorchDevice(args.length === 2 && index !== null ? `${type}:${count(index, "a device index")}` : type);
}
