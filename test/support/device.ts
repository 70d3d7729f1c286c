/** The device of the tests that take any: `NOETHER_TEST_DEVICE`, by default the CPU. */
import type { Tensor } from "../../lib/torch";

export const testDevice = process.env["NOETHER_TEST_DEVICE"] ?? "cpu";

/** The same tensors on the CPU, where they are compared with stored values. */
export const onCpu = (tensors: ReadonlyMap<string, Tensor>): Map<string, Tensor> =>
  new Map([...tensors].map(([name, tensor]) => [name, tensor.to("cpu")]));
