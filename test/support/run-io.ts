import { runIo } from "../../lib/cli/io/run-io";

/** What a command of `noether-data` did. */
export interface IoResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `noether-data` in this process. */
export async function runNoetherData(...args: string[]): Promise<IoResult> {
  const printed = { stdout: "", stderr: "" };
  const spies = (["stdout", "stderr"] as const).map((name) =>
    jest.spyOn(process[name], "write").mockImplementation(((text: string) => ((printed[name] += text), true)) as never),
  );
  try {
    return { code: await runIo(args), ...printed };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

/** Sets variables of the environment for every test of a file, and puts them back. */
export function withEnvironment(variables: () => Record<string, string | undefined>): void {
  let before: NodeJS.ProcessEnv;
  beforeEach(() => {
    before = { ...process.env };
    for (const [name, value] of Object.entries(variables())) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });
  afterEach(() => {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
    Object.assign(process.env, before);
  });
}
