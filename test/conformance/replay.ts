/** Makes PyTorch's recorded calls here, and compares what comes. */
import type { Tensor } from "../../lib/torch";
import { empty, fromTypedArray, grad, manualSeed, scope } from "../../lib/torch";
import { difference } from "./compare";
import { spell } from "./spelling";
import {
  fromRecorded,
  hasIntegralFloat,
  initialTensors,
  SampleBytes,
  type RecordedCall,
  type RecordedResult,
  type RecordedValue,
  type Recording,
  type Sample,
} from "./trace";

export interface Outcome {
  readonly operator: string;
  /** The sample's kind, or "gradient", or "out". */
  readonly kind: string;
  readonly dtype: string;
  readonly sample: number;
  readonly status: "pass" | "fail" | "skip";
  readonly detail?: string;
}
type Result = Omit<Outcome, "operator" | "dtype" | "sample">;

/** Functions whose elements are not initialised. */
const UNINITIALIZED =
  /(^|\.)(empty|empty_like|new_empty|empty_strided|new_empty_strided|empty_permuted|resize_|resize_as_)$/;
/** The seed that the recording sets before each sample. */
const SEED = 42;

/** Replays all samples of one operator. `bytes` is the content of its `.bin` file. */
export function replay(recording: Recording, bytes: Uint8Array): Outcome[] {
  return recording.samples.flatMap((sample, index) => {
    const own = new SampleBytes(bytes, sample.at);
    const outcomes = sample.skipped
      ? [{ kind: sample.kind, status: "skip" as const, detail: sample.skipped }]
      : scope(() => [...replaySample(sample, own)]);
    return outcomes.map((each) => ({ operator: recording.operator, dtype: sample.dtype, sample: index, ...each }));
  });
}

function* replaySample(sample: Sample, bytes: SampleBytes): Generator<Result> {
  let tensors: Tensor[];
  try {
    tensors = initialTensors(sample, bytes);
  } catch (error) {
    yield { kind: sample.kind, status: "skip", detail: `its tensors cannot be made: ${String(error)}` };
    return;
  }
  const result = replayCalls(sample, bytes, tensors);
  yield result;
  if (result.status !== "pass") return;
  if (sample.gradients) yield replayGradients(sample.gradients, bytes, tensors);
  if (sample.out && sample.calls.length === 1) yield* replayOut(sample.calls[0]!, sample, bytes);
}

function replayCalls(sample: Sample, bytes: SampleBytes, tensors: Tensor[]): Result {
  const { kind } = sample;
  manualSeed(SEED);
  for (const call of sample.calls) {
    const wanted = call.result;
    let got: unknown;
    try {
      got = make(call, tensors);
    } catch (error) {
      if (wanted !== undefined || !(error instanceof Error)) return { kind, status: "fail", detail: said(call, error) };
      return { kind, status: "pass" };
    }
    if (wanted === undefined)
      return { kind, status: "fail", detail: said(call, `not refused; PyTorch: ${sample.error}`) };
    const found = difference(got, wanted, bytes, tensors, UNINITIALIZED.test(call.name));
    if (found === null) continue;
    const floats = [...call.args, ...Object.values(call.kwargs)].some(hasIntegralFloat);
    if (floats && found.startsWith("got "))
      return { kind, status: "skip", detail: "a float that JavaScript cannot tell from an integer" };
    return { kind, status: "fail", detail: said(call, found) };
  }
  return { kind, status: "pass" };
}

function make(call: RecordedCall, tensors: readonly Tensor[], out?: unknown): unknown {
  const spelled = spell(call.name, call.parameters);
  if (spelled === null) throw new Error("not here");
  const options = Object.fromEntries(
    Object.entries(call.kwargs).map(([key, value]) => [key, fromRecorded(value, tensors)]),
  );
  const args = call.args.map((value) => fromRecorded(value, tensors));
  // x[[0, 1]] has a list for the first dimension, x[0, 1] a tuple for two
  if (/__[gs]etitem__$/.test(call.name) && isList(call.args[1])) args[1] = [args[1]];
  if (args.length === 0 && "input" in options) {
    // Python's name of the first argument, which has no name here
    args.push(options.input);
    delete options.input;
  }
  return spelled(args, out === undefined ? options : { ...options, out });
}

const isList = (value: RecordedValue | undefined) => value !== null && typeof value === "object" && "list" in value;

function replayGradients(recorded: NonNullable<Sample["gradients"]>, bytes: SampleBytes, tensors: Tensor[]): Result {
  const kind = "gradient";
  try {
    const loss = recorded.of
      .map((reference) => tensors[reference]!)
      .map((each) => (each.isComplex() ? each.abs() : each))
      .map((each) => each.mul(weights(each)).sum())
      .reduce((sum, each) => sum.add(each));
    const gradients = grad(
      loss,
      recorded.to.map((reference) => tensors[reference]!),
      { allowUnused: true },
    );
    for (const [index, wanted] of recorded.values.entries()) {
      const got = gradients[index] ?? null;
      if (wanted === null && got === null) continue;
      const found = wanted === null ? "expected none" : difference(got, wanted, bytes, []);
      if (found !== null) return { kind, status: "fail", detail: `gradient ${index}: ${found}` };
    }
    return { kind, status: "pass" };
  } catch (error) {
    return { kind, status: "fail", detail: String(error) };
  }
}

/** The weights of `record.py`: sin(0.7 i + 0.3). */
const weights = (x: Tensor) =>
  fromTypedArray(
    Float64Array.from({ length: x.numel() }, (_, i) => Math.sin(i * 0.7 + 0.3)),
    [...x.shape],
  );

function* replayOut(call: RecordedCall, sample: Sample, bytes: SampleBytes): Generator<Result> {
  const kind = "out";
  const { result } = call;
  if (result === undefined || "value" in result || "out" in call.kwargs) return;
  const wanted = ("list" in result ? result.list : [result]) as readonly RecordedResult[];
  if (wanted.length === 0 || wanted.some((each) => !("dtype" in each))) return;
  try {
    const tensors = initialTensors(sample, bytes);
    const targets = wanted.map(({ dtype }) => empty([0], { dtype }));
    manualSeed(SEED);
    const got = make(call, tensors, "list" in result ? targets : targets[0]);
    const found = difference("list" in result ? targets : targets[0], result, bytes, [], UNINITIALIZED.test(call.name));
    if (found !== null) yield { kind, status: "fail", detail: said(call, found) };
    else if (!("list" in result) && got !== targets[0])
      yield { kind, status: "fail", detail: said(call, "does not return out") };
    else yield { kind, status: "pass" };
  } catch (error) {
    yield { kind, status: "fail", detail: said(call, error) };
  }
}

function said(call: RecordedCall, problem: unknown): string {
  const named = Object.entries(call.kwargs).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  const args = [...call.args.map((value) => JSON.stringify(value)), ...named].join(", ");
  return `${call.name}(${args.length > 200 ? `${args.slice(0, 200)}…` : args}): ${problem instanceof Error ? problem.message.split("\n")[0] : String(problem)}`;
}
