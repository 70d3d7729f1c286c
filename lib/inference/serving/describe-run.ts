import { scope, zeros } from "../../torch";
import type { InputField } from "../predict/run-fields";
import type { TrainedRun } from "../run/trained-run";

/** What a client has to know of a run: its inputs and outputs, and which it is. */
export function describeRun(run: TrainedRun) {
  const { name, checkpoint, weights } = run.identity;
  return {
    model: name,
    checkpoint,
    weights,
    parameters: run.model.parameters().reduce((sum, parameter) => sum + parameter.numel(), 0),
    domains: run.domains.filter((domain) => domain !== ""),
    inputs: run.inputs.map((input) => ({ ...input, typical: typicalValue(run, input) })),
    outputs: run.outputs,
  };
}

/** Of a condition, the value in the middle of the training data, which its normalizer knows; null elsewhere. */
function typicalValue(run: TrainedRun, { name, role, channels }: InputField): number[] | null {
  const normalizer = run.data.normalizerOf(name);
  if (role !== "condition" || channels === null || normalizer === null) return null;
  return scope(
    () =>
      normalizer
        .inverse(zeros([1, channels]))
        .flatten()
        .toArray() as number[],
  );
}
