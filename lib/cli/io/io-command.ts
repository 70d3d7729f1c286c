/** A command of `noether-data`: its words, its options, what it does. */
import { EXIT } from "../command";
import { commandLine, expectWords, flag, type Options, printHelp, readCommandLine, type ValuesOf, type WordsFor } from "../options"; // prettier-ignore

/** A command of a group. */
export interface IoCommand {
  /** For the help. */
  readonly does: string;
  /** Reads the arguments and runs; `title` is how the command was called. Returns the exit code. */
  readonly run: (title: string, args: readonly string[], begin: (debug: boolean) => void) => Promise<number>;
}

const COMMON = { debug: flag({ default: false, does: "also say what is asked and answered" }) };

/** A command from what it takes. */
export function ioCommand<const W extends readonly string[], O extends Options>(spec: {
  /** Names of the words that it takes, in order. */
  readonly words: W;
  readonly does: string;
  readonly options: O;
  /** Returns the exit code; nothing: 0. */
  readonly run: (values: ValuesOf<O>, words: WordsFor<W>) => Promise<number | void>;
}): IoCommand {
  const { does, words, options } = spec;
  return {
    does,
    run: async (title, args, begin) => {
      const line = commandLine({
        usage: [[title, ...words, "[options]"].join(" ")],
        about: `${does[0]!.toUpperCase()}${does.slice(1)}.`,
        sections: [{ title: "Options:", options: { ...options, ...COMMON } }],
        end: "Exit codes: 0 done, 1 failed, 2 bad usage.",
      });
      const read = readCommandLine(line, args);
      if (read === "help") return printHelp(line);
      const given = expectWords(words, read.words);
      const values = read.values as ValuesOf<O> & { readonly debug: boolean };
      begin(values.debug);
      return (await spec.run(values, given)) ?? EXIT.ok;
    },
  };
}
