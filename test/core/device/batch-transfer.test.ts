import { batchTransfer } from "../../../lib/core/device/batch-transfer";
import { cuda } from "../../../lib/torch";

test.each(["cpu", "meta"])("to %s nothing is copied ahead", (device) => {
  expect(batchTransfer(device)).toBeNull();
});

(cuda.isAvailable() ? test.skip : test)("to a CUDA device that is not there is an error with the reason", () => {
  expect(() => batchTransfer("cuda:1")).toThrow(cuda.unavailableReason()!);
});
