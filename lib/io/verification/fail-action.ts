/** What is done about files that are not as the manifest says. */
export enum FailAction {
  WARN = "warn",
  DELETE = "delete",
  REDOWNLOAD = "redownload",
  ABORT = "abort",
}

const DESCRIPTIONS: Readonly<Record<FailAction, string>> = {
  [FailAction.WARN]: "list what is wrong and go on",
  [FailAction.DELETE]: "delete files with a wrong size or hash",
  [FailAction.REDOWNLOAD]: "fetch missing and wrong files again from where the manifest says they came from",
  [FailAction.ABORT]: "fail",
};

/** One line for the help of commands. */
export function describeFailAction(action: FailAction): string {
  return DESCRIPTIONS[action];
}
