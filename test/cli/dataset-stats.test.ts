import { resolve } from "node:path";
import { parseDatasetStats } from "../../lib/cli/dataset-stats";
import { UsageError } from "../../lib/cli/hydra-arguments";

describe("noether-dataset-stats", () => {
  test("only the class", () => {
    expect(parseDatasetStats(["--dataset_kind", "a.B"])).toEqual({
      kind: "a.B",
      split: null,
      logScale: [],
      exclude: [],
      output: null,
      format: "2026.4",
      ahead: 0,
      config: new Map(),
    });
  });
  test("all options, in both spellings; the others are the data set's, in order", () => {
    const args = "--dataset_kind=a.B --split test --log_scale=p,q --exclude-attributes v --output_json x.json --json_format 1.1 --num_workers 4 --root 12 --offset -3.5 --difficulty=easy --flag --text=a=b --last"; // prettier-ignore
    expect(parseDatasetStats(args.split(" "))).toEqual({
      kind: "a.B",
      split: "test",
      logScale: ["p", "q"],
      exclude: ["v"],
      output: resolve("x.json"),
      format: "1.1",
      ahead: 3,
      config: new Map([
        ["root", "12"],
        ["offset", "-3.5"],
        ["difficulty", "easy"],
        ["flag", null],
        ["text", "a=b"],
        ["last", null],
      ]),
    });
  });
  test("the class once more, as release 2026.4 of the Python framework needs it", () => {
    expect(parseDatasetStats(["--dataset_kind", "a.B", "--kind", "a.B"])).toMatchObject({ kind: "a.B" });
    expect(() => parseDatasetStats(["--dataset_kind", "a.B", "--kind", "a.C"])).toThrow("expected one class");
  });
  test("help and version, whatever else there is", () => {
    expect(parseDatasetStats(["--root", "x", "-h"])).toBe("help");
    expect(parseDatasetStats(["--version"])).toBe("version");
  });
  test.each([
    [["--root", "x"], "expected --dataset_kind"],
    [["--dataset_kind"], "--dataset_kind needs a value"],
    [["--dataset_kind", "a.B", "--split", "--root"], "--split needs a value"],
    [["--dataset_kind", "a.B", "word"], 'expected --option value, received "word"'],
    [["--dataset_kind", "a.B", "--dataset-kind", "a.C"], "given twice"],
    [["--dataset_kind", "a.B", "--num_workers", "-1"], "--num_workers"],
    [["--dataset_kind", "a.B", "--json_format", "3"], "expected 2026.4 or 1.1"],
  ])("%j", (args, problem) => {
    expect(() => parseDatasetStats(args)).toThrow(UsageError);
    expect(() => parseDatasetStats(args)).toThrow(problem);
  });
});
