import type { Tensor } from "../../torch";
import { ValueError } from "../../config/python-errors";
import type { Sample } from "../sample";

/** `sample 12`, by its number in the data set where it has one, else by its place in the batch; for messages. */
export function sampleName(samples: readonly Sample[], position: number): string {
  const index = samples[position]?.["index"];
  return typeof index === "number" ? `sample ${index}` : `sample ${position} of the batch`;
}

/**
 * Checks the tensors of one key before they become one.
 *
 * @param how `stack`: they become a batch, so all shapes are equal; `join`: along the first dimension, in which they may differ
 * @throws ValueError that names the key, two samples, what they have, and what to use instead
 */
export function requireAlike(
  tensors: readonly Tensor[],
  key: string,
  samples: readonly Sample[],
  how: "stack" | "join",
): void {
  const first = tensors[0];
  if (first === undefined) return;
  if (how === "join" && first.ndim === 0)
    throw new ValueError(`expected rows under "${key}" to join, received a number in ${sampleName(samples, 0)}`);
  const from = how === "stack" ? 0 : 1;
  tensors.forEach((other, position) => {
    const both = (what: (x: Tensor) => string) =>
      `${what(first)} in ${sampleName(samples, 0)} and ${what(other)} in ${sampleName(samples, position)}`;
    if (other.ndim !== first.ndim || other.shape.slice(from).some((size, at) => size !== first.shape[at + from])) {
      const differsInPoints =
        how === "stack" && other.ndim === first.ndim && other.shape.slice(1).join() === first.shape.slice(1).join();
      const shapes = both((x) => `(${x.shape.join(", ")})`);
      throw new ValueError(
        differsInPoints
          ? `expected as many points of "${key}" in every sample of a batch, received ${shapes}; take the same number of each (PointSamplingSampleProcessor), join them (ConcatSparseTensorCollator), or train with a batch size of 1`
          : `expected tensors of ${how === "stack" ? "one shape" : "one shape but for the first dimension"} under "${key}" in every sample of a batch, received ${shapes}`,
      );
    }
    if (other.dtype !== first.dtype)
      throw new ValueError(
        `expected tensors of one type under "${key}" in every sample of a batch, received ${both((x) => x.dtype)}; convert them where they are read, x.to("${first.dtype}")`,
      );
  });
}
