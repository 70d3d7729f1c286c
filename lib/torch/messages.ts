/**
 * libtorch's messages in this library's words: names as they are spelled here, dtypes by their names, what to do in TypeScript, and
 * nothing of C++. The original stays in `TorchError.backtrace`.
 */

/** Whole messages: the first pattern that fits replaces what it matches, `$1` and so on are its groups. */
const MESSAGES: readonly (readonly [pattern: RegExp, replacement: string | ((...groups: string[]) => string)])[] = [
  // ---- devices
  [
    // A tensor of a device that is not linked cannot be made in the first place.
    /Could not run 'aten::empty(?:_strided|\.memory_format)?' with arguments from the '(\w+)' backend[\s\S]*/,
    (backend) => missingDevice(backend.toLowerCase()),
  ],
  [
    /Could not run '(?:aten|noether)::(\w+)[\w.]*' with arguments from the '(\w+)' backend[\s\S]*/,
    (name, backend) => `expected tensors that ${camelCase(name)} is implemented for, got ${describeBackend(backend)}`,
  ],
  [/PyTorch is not linked with support for (\w+) devices/, (device) => missingDevice(device)],
  [
    /Expected one of cpu, cuda, [\w, ]+ device type at start of device string: (.*)/,
    'expected a device ("cpu", "cuda", "cuda:1", "meta"), got "$1"',
  ],
  [/Invalid device string: '(.*)'/, 'expected a device ("cpu", "cuda", "cuda:1", "meta"), got "$1"'],
  [
    /(?:Found no NVIDIA driver|Cannot access accelerator device when none is available|No CUDA GPUs are available|CUDA driver version is insufficient|no CUDA-capable device is detected)[\s\S]*/,
    () => missingDevice("cuda"),
  ],
  [
    /CUDA error: invalid device ordinal[\s\S]*/,
    "expected the number of a CUDA device that is there (cuda.deviceCount() says how many), got a higher one",
  ],
  [
    /CUDA error: device-side assert triggered[\s\S]*/,
    "a CUDA kernel met an index or a value out of range, maybe in an earlier call: run with CUDA_LAUNCH_BLOCKING=1, or on the CPU, to see which",
  ],
  [
    /(CUDA out of memory\.(?: Tried to allocate [\d.]+ \w+\.)?)(?:[\s\S]*?\bGPU (\d+))?[\s\S]*/,
    (problem, device) =>
      `${problem} What nobody holds was freed already: free tensors (scope), or make the batch smaller${summary(device)}`,
  ],
  [
    /Expected all tensors to be on the same device, but (?:found at least two devices, ([\w:]+) and ([\w:]+)!|got (\w+) is on ([\w:]+), different from other tensors on ([\w:]+))[\s\S]*/,
    (first, second, name, here, there) =>
      name === undefined
        ? `expected all tensors on the same device, got ${first} and ${second}: move them with x.to(device)`
        : `expected all tensors on the same device, got ${camelCase(name)} on ${here} and others on ${there}: move them with x.to(device)`,
  ],
  [
    /Cannot copy out of meta tensor; no data!.*/,
    'expected a tensor with data, got one on the device "meta", which has only a shape',
  ],

  // ---- autograd
  [
    /Trying to backward through the graph a second time[\s\S]*/,
    "the graph was freed by an earlier backward pass: to go through it a second time, pass { retainGraph: true } to the first, or compute the result again",
  ],
  [
    /grad can be implicitly created only for scalar outputs/,
    "a gradient of 1 is implied for scalar outputs only (one element): reduce the result with sum() or mean(), or pass the gradient of its shape, y.backward(gradient)",
  ],
  [
    /element (\d+) of tensors does not require grad and does not have a grad_fn/,
    (index) =>
      `the result${index === "0" ? "" : ` ${index}`} does not require gradients: it depends on no tensor with requiresGrad, or was made under noGrad() or detached`,
  ],
  [
    /(?:One|element \d+) ?of the differentiated Tensors appears to not have been used in the graph\..*/,
    "an input appears to not have been used for the outputs: pass { allowUnused: true } to get null as its gradient",
  ],
  [
    /(?:One of the differentiated Tensors|element \d+ of the input tensors) does not require grad/,
    "expected inputs that require gradients, got one that does not: set requiresGrad before the outputs are computed",
  ],
  [
    /a (view of a )?leaf Variable that requires grad is being used in an in-place operation\.?/,
    (view) =>
      `expected a tensor that may be written in place, got a ${view ?? ""}leaf that requires gradients: write inside noGrad(() => …), as optimizers do, or use the operator without underscore`,
  ],
  [
    /one of the variables needed for gradient computation has been modified by an inplace operation: \[?(?:CPU|CUDA)?(\w+?)Type (\[[\d, ]*\])\]?, which is output (\d+) of (\w+), is at version (\d+); expected version (\d+) instead[\s\S]*/,
    (type, shape, _output, node, version, expected) =>
      `a tensor that the backward pass needs was modified by an inplace operation after it was used: the ${dtypeOf(type)} result of ${node}, shape ${shape}, is at version ${version}, expected ${expected}. Use the operator without underscore, or write to a clone()`,
  ],
  [
    /you can only change requires_grad flags of leaf variables\.[\s\S]*/,
    "expected a leaf for a change of requiresGrad, got the result of an operation: x.detach() gives the value without its history",
  ],
  [
    /only Tensors of floating point(?: and complex)? dtype can require gradients/i,
    'only tensors of floating point or complex dtype can require gradients: convert first, x.to("float32")',
  ],
  [
    /can't retain_grad on Tensor that has requires_grad=False/,
    "expected a tensor that requires gradients for retainGrad(), got one that does not",
  ],
  [
    /cannot register a hook on a variable that doesn't require gradient/,
    "expected a tensor that requires gradients for a hook, got one that does not",
  ],
  [
    /Inference tensors cannot be saved for backward\.[\s\S]*/,
    "a tensor made in inferenceMode() cannot take part in autograd: clone() it outside, or make it under noGrad()",
  ],
  [
    /Inplace update to inference tensor outside InferenceMode is not allowed\.[\s\S]*/,
    "a tensor made in inferenceMode() cannot be written outside of it: clone() it first",
  ],
  [
    /Setting requires_grad=True on inference tensor outside InferenceMode is not allowed\.?/,
    "a tensor made in inferenceMode() cannot require gradients: clone() it outside, or make it under noGrad()",
  ],
  [
    /Output (\d+) of (\w+) is a view and is being modified inplace\.[\s\S]*/,
    "a view that is one of several results of $2 cannot be written in place: clone() it first",
  ],

  // ---- vmap, jvp
  [
    /Trying to use forward AD with (\w+?)(?:_for_cpu)? that does not support it[\s\S]*/,
    (name) =>
      `${camelCase(name)} has no formula for forward-mode derivatives: take reverse mode (grad, vjp, jacrev)${name.includes("dot_product") ? ", or softmax and matmul in its place" : ""}`,
  ],
  [
    /vmap: It looks like you're calling \.item\(\) on a Tensor\.[\s\S]*/,
    "expected a tensor with values, got one that stands for every entry of a batch inside of vmap: stay with operators",
  ],
  [
    /vmap: called random operation while in randomness error mode\.[\s\S]*/,
    'a random operator inside of vmap: say with the option randomness whether all entries draw the "same" or "different" numbers',
  ],
  [
    /You are attempting to call Tensor\.(requires_grad_|retain_grad)\(\)[\s\S]*/,
    (name) =>
      `${camelCase(name)} was called inside of vmap, grad or jvp: func.grad and func.vjp say themselves by what derivatives are taken`,
  ],

  // ---- dtypes and shapes
  [
    /"(\w+?)(?:_cpu|_cuda|_out|_impl|_kernel)*" not implemented for '(\w+)'/,
    (name, type) => `expected a dtype that ${camelCase(name)} is implemented for, got ${dtypeOf(type)}`,
  ],
  [
    /expected scalar type (\w+) but found (\w+)/,
    (wanted, found) => `expected ${dtypeOf(wanted)}, got ${dtypeOf(found)}`,
  ],
  [
    /expected m1 and m2 to have the same dtype, but got: (.+?) != (.+)/,
    (a, b) => `expected matrices of the same dtype, got ${dtypeOf(a)} and ${dtypeOf(b)}: convert one with x.to(dtype)`,
  ],
  [
    /(\w+) and (\w+) must have the same dtype, but got (\w+) and (\w+)/,
    (first, second, a, b) =>
      `${first} and ${second} must have the same dtype, but got ${dtypeOf(a)} and ${dtypeOf(b)}: convert one with x.to(dtype)`,
  ],
  [
    /Expected tensor for argument #\d+ '(\w+)' to have (?:one of the following scalar types: ([\w, ]+)|scalar type (\w+)); but got (\w+) instead[\s\S]*/,
    (name, several, one, type) =>
      `expected ${(several ?? one ?? "").split(", ").map(dtypeOf).join(" or ")} for ${camelCase(name)}, got ${dtypeOf(type)}`,
  ],
  [
    /(\w+) is only applicable to index tensor of type LongTensor\.?/,
    (name) => `${camelCase(name)} expects int64, for instance tensor([0n, 1n]) or x.long()`,
  ],
  [
    /(?<=^embedding\(.*)index out of range in self/,
    "expected indices from 0 to the number of rows of weight, that excluded, got one outside",
  ],
  [
    /index out of range in self/, // index_select, index_reduce
    "expected entries of index from 0 to the size of self in that dimension, that excluded, got one outside",
  ],
  [
    /a Tensor with (\d+) elements cannot be converted to Scalar/,
    "expected a tensor with one element, got one with $1: use toArray()",
  ],
  [
    /DefaultCPUAllocator: (?:can't allocate memory|not enough memory): you tried to allocate (\d+) bytes\.?.*/,
    "out of memory: $1 bytes were asked for",
  ],

  // ---- faults of libtorch
  [/[^\n]*INTERNAL ASSERT FAILED at "[^"]*":\d+, please report a bug to PyTorch\.\s*/, "internal error of libtorch: "],
];

/** What may stand anywhere in a message. */
const WORDS: readonly (readonly [pattern: RegExp, replacement: string | ((...groups: string[]) => string)])[] = [
  // "…at ../aten/src/ATen/native/Foo.cpp:123", and what follows a list of kernels
  [/\s*\(?(?:at|function) "?[\w./-]+\.(?:cpp|h|cu|cuh)"?:\d+\)?/g, ""],
  [/\n\n?\w+: registered at [\s\S]*/, ""],
  // keyword arguments of Python: retain_graph=True
  [/\b([a-z]+(?:_[a-z]+)*)=(True|False|None)\b/g, (name, value) => `${camelCase(name)}: ${JAVASCRIPT[value]!}`],
  [
    /\b(requires_grad|retain_grad|retain_graph|create_graph|grad_fn|allow_unused|memory_format|pin_memory|index_select|index_put_|scatter_add|masked_fill|logical_xor|logical_not|normalized_shape|split_size|num_classes|return_complex|unsqueeze_)\b/g,
    (name) => camelCase(name),
  ],
  [/\btorch\.(float\d+|bfloat16|u?int\d+|bool|complex\d+)\b/g, "$1"],
  [/\btorch\.(?:nn\.functional\.|linalg\.|autograd\.)?(?=[a-z]\w*\()/g, ""],
  [
    /\b(?:CPU|CUDA)?(ComplexHalf|ComplexFloat|ComplexDouble|BFloat16|Float|Double|Half|Long|Int|Short|Char|Byte|Bool)(?:Type|Tensor)?\b/g,
    (type) => DTYPES[type]!,
  ],
];

const JAVASCRIPT: Readonly<Record<string, string>> = { True: "true", False: "false", None: "null" };

/** c10's names of dtypes. */
const DTYPES: Readonly<Record<string, string>> = {
  Byte: "uint8",
  Char: "int8",
  Short: "int16",
  Int: "int32",
  Long: "int64",
  Half: "float16",
  Float: "float32",
  Double: "float64",
  ComplexHalf: "complex32",
  ComplexFloat: "complex64",
  ComplexDouble: "complex128",
  Bool: "bool",
  BFloat16: "bfloat16",
};

function dtypeOf(type: string): string {
  const bare = type.replace(/^(?:CPU|CUDA)/, "").replace(/(?:Type|Tensor)$/, "");
  const names: Readonly<Record<string, string>> = { ...DTYPES, float: "float32", double: "float64", long: "int64" };
  return names[bare] ?? type.replace(/^c10::/, "");
}

/** What messages tell of CUDA. */
export interface CudaState {
  unavailableReason(): string | null;
  isAvailable(): boolean;
  memorySummary(device: number): string;
}

let cuda: CudaState | null = null;

/** Tells what CUDA's state is (once, by the module of `torch.cuda`). */
export function connectCuda(state: CudaState): void {
  cuda = state;
}

/** The table of the device's memory, on lines of its own. */
function summary(device: string | undefined): string {
  return device !== undefined && cuda?.isAvailable() === true ? `\n${cuda.memorySummary(Number(device))}` : "";
}

function missingDevice(device: string): string {
  if (device !== "cuda")
    return `expected a device of this build of libtorch ("cpu"), got "${device}" (npx noether-ts doctor shows what there is)`;
  const reason = cuda?.unavailableReason() ?? null;
  return `expected a CUDA device, got none${reason === null ? "" : `: ${reason}`} (npx noether-ts doctor shows what there is)`;
}

function describeBackend(backend: string): string {
  const kinds: readonly (readonly [RegExp, string])[] = [
    [/^Sparse(?:Csr)?(?:CPU|CUDA|Meta)$/, "sparse ones (x.toDense() makes dense ones)"],
    [/^Quantized/, "quantized ones (x.dequantize() makes plain ones)"],
    [/^Mkldnn/, "tensors in MKL-DNN's layout (x.toDense() makes plain ones)"],
    [/^Meta$/, 'ones on the device "meta", which have only a shape'],
    [/^Nested/, "nested ones"],
  ];
  return kinds.find(([pattern]) => pattern.test(backend))?.[1] ?? `ones of the kind ${backend}`;
}

function camelCase(name: string): string {
  return name.replace(/(?<=[a-zA-Z0-9])_+([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/**
 * A message of libtorch in this library's words.
 *
 * @param operator the name of the function that was called, as it is spelled here: it takes the place of the operator's own.
 */
export function explainMessage(message: string, operator?: string): string {
  let text = message;
  for (const [pattern, replacement] of MESSAGES) {
    const replaced = substitute(text, pattern, replacement);
    if (replaced === text) continue;
    text = replaced;
    break;
  }
  for (const [pattern, replacement] of WORDS) text = substitute(text, pattern, replacement);
  return (operator === undefined ? text : named(text, operator)).trimEnd();
}

/** `mm(self: float32 (2)): …` under the name that was called; in front of a message that has none. */
function named(text: string, operator: string): string {
  const prefix = /^[a-zA-Z_]\w*(?=\(.*?\): )/;
  const own = prefix.exec(text)?.[0];
  if (own !== undefined) {
    // libtorch often begins with the name once more: "select(): index 5 out of range"
    return text.replace(prefix, operator).replace(new RegExp(`(?<=\\): )(?:${own}|${operator})_?(?:\\(\\))?: `), "");
  }
  return text.startsWith(`${operator}:`) ? text : `${operator}: ${text}`;
}

function substitute(text: string, pattern: RegExp, replacement: string | ((...groups: string[]) => string)): string {
  return typeof replacement === "string"
    ? text.replace(pattern, replacement)
    : text.replace(pattern, (_, ...groups: string[]) => replacement(...groups));
}
