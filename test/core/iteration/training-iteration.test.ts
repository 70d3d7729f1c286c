import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { TrainingIteration } from "../../../lib/core/iteration/training-iteration";
import { UpdateCounter } from "../../../lib/core/iteration/update-counter";

const full = (epoch: number, update: number, sample: number) => new TrainingIteration(epoch, update, sample);

describe("TrainingIteration", () => {
  test("sum and difference", () => {
    expect(full(1, 2, 3).plus(full(2, 4, 6))).toEqual(full(3, 6, 9));
    expect(full(3, 6, 9).minus(full(2, 4, 6))).toEqual(full(1, 2, 3));
    expect(() => full(1, 2, 3).minus(new TrainingIteration(1))).toThrow("different fields are set");
  });

  test("what is specified", () => {
    expect(full(0, 0, 0).isFullySpecified).toBe(true);
    expect(new TrainingIteration(1).isMinimallySpecified).toBe(true);
    expect(new TrainingIteration().isMinimallySpecified).toBe(false);
    expect(new TrainingIteration(null, 1, 2).specifiedPropertiesCount).toBe(2);
    expect(new TrainingIteration(null, 1, 2).toDict()).toEqual({ update: 1, sample: 2 });
  });

  test.each([
    [new TrainingIteration(), new TrainingIteration(), 3],
    [new TrainingIteration(1), new TrainingIteration(1), 3],
    [new TrainingIteration(null, 1), new TrainingIteration(null, 1), 3],
    [full(0, 1, 2), full(0, 1, 2), 3],
    [new TrainingIteration(null, null, 1), new TrainingIteration(1), 1],
    [full(0, 1, 2), full(0, 1, 4), 2],
    [full(0, 1, 2), full(3, 4, 5), 0],
    [full(0, 1, 2), full(3, 1, 5), 1],
  ])("equal properties count unset ones: %s, %s", (a, b, expected) => expect(a.getNEqualProperties(b)).toBe(expected));

  test("the same properties are set, whatever their values", () => {
    const all = [
      new TrainingIteration(),
      new TrainingIteration(1),
      new TrainingIteration(null, 2),
      new TrainingIteration(null, null, 3),
      full(1, 2, 3),
    ];
    const others = all.map((each) => each.copy());
    for (const other of others) if (other.epoch !== null) other.epoch = 7;
    expect(all.map((a) => others.map((b) => a.hasSameSpecifiedProperties(b)))).toEqual(
      all.map((_, i) => all.map((_, j) => i === j)),
    );
  });

  test("a mapping of the properties that are set, and back", () => {
    expect(TrainingIteration.fromDict(full(1, 2, 3).toDict())).toEqual(full(1, 2, 3));
    expect(TrainingIteration.fromDict({ update: 4, other: 5 } as never)).toEqual(new TrainingIteration(null, 4));
  });

  test.each([
    [full(5, 342, 1231), full(6, 344, 1232), false],
    [full(6, 344, 1232), full(5, 342, 1231), true],
    [full(5, 342, 1231), full(5, 342, 1231), true],
    [full(5, 344, 1232), full(5, 342, 1231), true],
    [full(5, 342, 1231), full(5, 341, 1232), false],
  ])("%s >= %s is %s", (a, b, expected) => {
    expect(a.greaterOrEqual(b)).toBe(expected);
    expect(a.lessThan(b)).toBe(!expected);
  });

  test("as text", () => {
    expect(String(full(1, 2, 3))).toBe("E1_U2_S3");
    expect(String(new TrainingIteration(5))).toBe("Epoch: 5");
    expect(String(new TrainingIteration(1, 2))).toBe("E1_U2_SNone");
    expect(String(full(1.7, 2, 3))).toBe("E1_U2_S3");
  });

  test("from text", () => {
    expect(TrainingIteration.findString("someasdfa E5_U342_S123155.optim.th")).toBe("E5_U342_S123155");
    expect(TrainingIteration.fromFilename("model_cp=E5_U342_S123155_model.th")).toEqual(full(5, 342, 123155));
    expect(TrainingIteration.fromString("E1_U2_S3.error")).toEqual(full(1, 2, 3));
    expect(() => TrainingIteration.fromString("xE1_U2_S3")).toThrow("E<epoch>");
    expect(() => TrainingIteration.findString("latest")).toThrow("latest");
  });

  test.each([
    [new TrainingIteration(null, null, 85), full(2, 21, 84)],
    [new TrainingIteration(null, 25), full(2, 25, 100)],
    [new TrainingIteration(0), full(0, 0, 0)],
    [new TrainingIteration(null, null, 0), full(0, 0, 0)],
  ])("%s with 10 updates of 4 samples per epoch", (iteration, expected) =>
    expect(iteration.toFullySpecified(10, 4)).toEqual(expected),
  );

  test("restricted to the fields of another", () => {
    expect(full(1, 2, 3).toTargetSpecification(new TrainingIteration(null, 9))).toEqual(new TrainingIteration(null, 2));
    expect(() => new TrainingIteration(1).toTargetSpecification(full(1, 2, 3))).toThrow("fewer fields");
  });

  describe("from file names", () => {
    let folder: string;
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), "noether-"));
      const names = [
        "a_cp=E1_U15_S60_model.th",
        "a_cp=E1_U10_S40_model.th",
        "a_cp=E1_U10_S40.error_model.th",
        "b_cp=E2_U20_S80_model.th",
        "a_cp=latest_model.th",
      ];
      for (const name of names) writeFileSync(join(folder, name), "");
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    const find = (iteration: TrainingIteration, prefix?: string, suffix?: string) =>
      String(TrainingIteration.toFullySpecifiedFromFilenames(folder, iteration, prefix, suffix));

    test("the end of an epoch, not some update in it", () =>
      expect(find(new TrainingIteration(1), "a_cp=", "_model.th")).toBe("E1_U10_S40"));
    test("by update and by sample", () => {
      expect(find(new TrainingIteration(null, 15), "a_cp=", "_model.th")).toBe("E1_U15_S60");
      expect(find(new TrainingIteration(null, null, 80))).toBe("E2_U20_S80");
    });
    test("names with other separators", () => {
      const spaced = mkdtempSync(join(tmpdir(), "noether-"));
      for (const name of [
        "mae_vit.encoder cp=E1_U2_S4 model.th",
        "mae_vit cp=E6_U12_S24 model.th",
        "mae_vit cp=last model.th",
      ])
        writeFileSync(join(spaced, name), "");
      const of = (iteration: TrainingIteration, prefix?: string, suffix?: string) =>
        TrainingIteration.toFullySpecifiedFromFilenames(spaced, iteration, prefix, suffix);
      for (const iteration of [
        new TrainingIteration(1),
        new TrainingIteration(null, 2),
        new TrainingIteration(null, null, 4),
      ])
        expect(of(iteration, "mae_vit.encoder cp=", " model.th")).toEqual(full(1, 2, 4));
      expect(() => of(new TrainingIteration(10), "mae_vit.encoder cp=", " model.th")).toThrow(
        "no checkpoint of Epoch: 10",
      );
      expect(of(new TrainingIteration(6), "mae_vit cp=")).toEqual(full(6, 12, 24));
      expect(of(new TrainingIteration(6))).toEqual(full(6, 12, 24));
      rmSync(spaced, { recursive: true });
    });
    test("of another model there is none", () =>
      expect(() => find(new TrainingIteration(2), "a_cp=", "_model.th")).toThrow("no checkpoint of Epoch: 2"));
    test("a directory that does not exist is not created", () => {
      const missing = join(folder, "missing");
      expect(() => TrainingIteration.toFullySpecifiedFromFilenames(missing, new TrainingIteration(1))).toThrow(
        "cannot be read",
      );
    });
    test("a full iteration cannot be completed", () => expect(() => find(full(1, 10, 40))).toThrow("exactly one"));
  });
});

describe("UpdateCounter", () => {
  const counter = (start: TrainingIteration, end: TrainingIteration, updatesPerEpoch = 10, effectiveBatchSize = 4) =>
    new UpdateCounter({ startIteration: start, endIteration: end, updatesPerEpoch, effectiveBatchSize });
  const zero = full(0, 0, 0);

  test.each([
    [zero, new TrainingIteration(null, null, 85), "E2_U21_S84"],
    [zero, new TrainingIteration(null, 25), "E2_U25_S100"],
    [zero, new TrainingIteration(0), "E0_U0_S0"],
    [full(5, 50, 200), new TrainingIteration(3), "E3_U30_S120"],
    [full(2, 25, 100), new TrainingIteration(4), "E4_U40_S160"],
    [full(2, 25, 100), new TrainingIteration(null, 47), "E4_U47_S188"],
  ])("from %s to %s ends at %s", (start, end, expected) =>
    expect(String(counter(start, end).endIteration)).toBe(expected),
  );

  test("ten epochs of a hundred updates of 32 samples", () => {
    const { endIteration, isFinished } = counter(zero, new TrainingIteration(10), 100, 32);
    expect(String(endIteration)).toBe("E10_U1000_S32000");
    expect(isFinished).toBe(false);
  });

  test("a start or end that does not fit is refused", () => {
    expect(() => counter(new TrainingIteration(1), new TrainingIteration(2))).toThrow(
      "start_iteration must be fully specified",
    );
    expect(() => counter(full(1, 0, 0), new TrainingIteration(2))).toThrow("E1_U0_S0");
    expect(() => counter(zero, new TrainingIteration())).toThrow("end_iteration must be minimally specified");
    expect(() => counter(zero, new TrainingIteration(1, 2))).toThrow("end_iteration must be minimally specified");
  });

  test("progress", () => {
    const progress = counter(zero, new TrainingIteration(null, 10), 10, 1);
    expect(progress.isFullEpoch).toBe(true);
    progress.addSamples(1);
    progress.nextUpdate();
    expect([progress.epochAsFloat, progress.isFullEpoch, progress.isFinished]).toEqual([0.1, false, false]);
    for (let i = 0; i < 9; i++) {
      progress.addSamples(1);
      progress.nextUpdate();
    }
    progress.nextEpoch();
    expect([progress.epoch, progress.update, progress.sample, progress.isFullEpoch, progress.isFinished]).toEqual([
      1,
      10,
      10,
      true,
      true,
    ]);
    progress.nextUpdate();
    expect(progress.isFinished).toBe(true);
  });
});
