import { parseCheckpointSelector } from "../../../lib/training/runners";

describe("resume_checkpoint", () => {
  test.each([
    [null, "latest"],
    ["latest", "latest"],
    ["E10", { epoch: 10 }],
    ["U500", { update: 500 }],
    ["S4000", { sample: 4000 }],
    ["E10_U100_S200", "E10_U100_S200"],
    ["E1_U4_S32.signal_interrupt", "E1_U4_S32.signal_interrupt"],
    ["best_model.loss.test.total", "best_model.loss.test.total"],
  ])("%p is %j", (text, expected) => {
    expect(parseCheckpointSelector(text)).toEqual(expected);
  });
  test("nothing is no checkpoint", () => expect(() => parseCheckpointSelector("")).toThrow("resume_checkpoint"));
});
