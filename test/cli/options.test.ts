import {
  choice,
  commandLine,
  expectWords,
  flag,
  helpOf,
  integer,
  number,
  parsed,
  readCommandLine,
  text,
  texts,
} from "../../lib/cli/options";
import { UsageError } from "../../lib/cli/hydra-arguments";

const COMMAND = commandLine({
  usage: ["tool PATH [options]", "tool --all"],
  about: "Does things.",
  sections: [
    {
      options: {
        output: text({ short: "o", value: "FILE", does: "where results go" }),
        all: flag({ short: "a", does: "everything" }),
        check: flag({ default: true, does: "compare" }),
        root: text({ short: "ro", value: "DIR", does: "the folder" }),
        count: integer({ value: "N", least: 1, most: 9, default: 3, does: "how many" }),
      },
    },
    {
      title: "More",
      options: {
        speed: number({ value: "M/S", does: "of the flow", otherwise: "none" }),
        form: choice(["short", "long"], { default: "short", does: "of the text" }),
        set: texts({ value: "NAME=NUMBER", does: "values" }),
        "at-most": parsed({ value: "N|all", default: 10, expected: "all or a number", does: "entries" }, (given) =>
          given === "all" ? Infinity : Number(given) || undefined,
        ),
      },
    },
  ],
  end: "Exit codes: 0 done.",
});
const read = (...args: string[]) => {
  const result = readCommandLine(COMMAND, args);
  if (result === "help") throw new Error("help");
  return result;
};

test("what is not given has its default", () => {
  expect(read("a")).toEqual({
    values: {
      output: undefined,
      all: false,
      check: true,
      root: undefined,
      count: 3,
      speed: undefined,
      form: "short",
      set: [],
      "at-most": 10,
    },
    words: ["a"],
    given: new Set(),
  });
});

test("values are of the option's type, behind the name, a sign of equality, or a short name", () => {
  const args = ["-o", "out", "-a", "--count=5", "--speed", "-1.5", "--form", "long", "--set", "a=1", "--set=b=2"];
  expect(read(...args, "--at-most", "all", "--", "--odd")).toMatchObject({
    values: {
      output: "out",
      all: true,
      count: 5,
      speed: -1.5,
      form: "long",
      set: ["a=1", "b=2"],
      "at-most": Infinity,
    },
    words: ["--odd"],
  });
});

test.each([
  [["--cuont", "1"], "unknown option --cuont; did you mean --count?"],
  [["-x"], "unknown option -x"],
  [["--count"], "expected N after --count"],
  [["--output", "--all"], "expected FILE after --output"],
  [["--count", "10"], '--count: expected a whole number from 1 to 9, got "10"'],
  [["--count", "1.5"], '--count: expected a whole number from 1 to 9, got "1.5"'],
  [["--speed", "fast"], '--speed: expected a number, got "fast"'],
  [["--form", "shrot"], '--form has no "shrot"; did you mean "short"?'],
  [["--at-most", "x"], '--at-most: expected all or a number, got "x"'],
  [["-output", "x"], "unknown option -output; did you mean --output?"],
  [["--no-all"], "unknown option --no-all"],
  [["--all=1"], '--all: expected no value, got "1"'],
])("%j is refused", (args, message) => {
  expect(() => read(...args)).toThrow(UsageError);
  expect(() => read(...args)).toThrow(message);
});

test.each([
  [["-oout"], { output: "out" }],
  [["-rofolder"], { root: "folder" }],
  [["-ro", "folder"], { root: "folder" }],
  [["--no-check"], { check: false }],
  [["--no-check", "--check"], { check: true }],
  [["--form", "LONG"], { form: "long" }],
])("%j", (args, values) => expect(read(...args).values).toMatchObject(values));

test("what is required is missed, and said to be so", () => {
  const command = commandLine({
    ...{ usage: ["tool"], about: "", end: "" },
    sections: [{ options: { root: text({ value: "DIR", required: true, does: "the folder" }) } }],
  });
  expect(() => readCommandLine(command, [])).toThrow("missing option --root");
  expect(helpOf(command)).toContain("--root DIR            the folder (required)\n");
});

test.each([
  [["A", "B"], ["a"], "expected A B, got 'a'"],
  [["A"], [], "expected A, got nothing"],
  [[], ["a"], "expected options only, got 'a'"],
])("of the words %j there are %j", (names, words, message) => {
  expect(() => expectWords(names, words)).toThrow(message);
});

test.each([["--help"], ["-h"]])("%s asks for the help, wherever it stands", (word) => {
  expect(readCommandLine(COMMAND, ["a", "--all", word])).toBe("help");
});

test("the help has every option with its value, description and default", () => {
  expect(helpOf(COMMAND).split("\n")).toEqual([
    "Usage: tool PATH [options]",
    "       tool --all",
    "",
    "Does things.",
    "",
    "  -o, --output FILE     where results go",
    "  -a, --all             everything",
    "  --check/--no-check    compare",
    "  -ro, --root DIR       the folder",
    "  --count N             how many (default: 3)",
    "",
    "More",
    "  --speed M/S           of the flow (default: none)",
    "  --form short|long     of the text (default: short)",
    "  --set NAME=NUMBER     values; may be given several times",
    "  --at-most N|all       entries (default: 10)",
    "  -h, --help",
    "",
    "Exit codes: 0 done.",
  ]);
});

test("long names and descriptions fit a narrow terminal", () => {
  const long = commandLine({
    ...{ usage: ["tool"], about: "", end: "" },
    sections: [{ options: { "a-name-that-is-long": text({ value: "TEXT", does: "word ".repeat(30).trim() }) } }],
  });
  for (const line of helpOf(long).split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  expect(helpOf(long)).toContain("  --a-name-that-is-long TEXT\n                        word word");
});
