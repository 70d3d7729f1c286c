/**
 * A run outlives whoever watches it: the reader of a pipe (`2>&1 | head`), or the terminal. What cannot be printed any more
 * is in the log file.
 */

type Listener = (message: string) => void;

let listener: Listener | null = null;
const outputs = [
  { name: "standard output", stream: process.stdout },
  { name: "standard error", stream: process.stderr },
].map(({ name, stream }) => {
  let isLost = false;
  const note = (error: Error): void => {
    if (!isLost) listener?.(`${name} is no longer read (${error.message}): what is printed there is lost`);
    isLost = true;
  };
  return { stream, note };
});

/** Called with one line when an output is lost; replaces the one from before. */
export function onLostReader(next: Listener): void {
  listener = next;
}

/** An error of standard output or standard error no longer ends the process. */
export function surviveLostReaders(): void {
  for (const { stream, note } of outputs) {
    if (!stream.listeners("error").includes(note)) stream.on("error", note);
  }
}

/**
 * The end of the terminal (SIGHUP) does not end the process.
 *
 * @returns a function that gives the signal its usual effect back
 */
export function ignoreHangUp(): () => void {
  const noteSignal = (): void => listener?.("the terminal is gone: continuing without it");
  process.on("SIGHUP", noteSignal);
  return () => void process.off("SIGHUP", noteSignal);
}
