/** A case as it was read from files. */
import type { Mesh } from "../../data";
import type { Location } from "../../data/geometry/surface-normals";
import type { PredictedField } from "../predict/field-buffers";
import type { CaseInputs } from "../predict/inputs";

/** A domain of a case that was read. */
export interface CaseDomain {
  readonly name: string;
  /** With everything that its file holds, in the file's units; null where that has arrays only. */
  readonly mesh: Mesh | null;
  /** Where the predicted points are in the mesh. */
  readonly location: Location;
  /** Metres of a unit of length in the mesh. */
  readonly metres: number;
  /** (N, P) positions of the predicted points, as the model is asked for them. */
  readonly positions: PredictedField;
  /** Fields of the file that the model predicts, by their names in the run, in the units of the training data. */
  readonly truth: ReadonlyMap<string, PredictedField>;
}

/** A case of files: what a run gets, and what becomes of the answer. */
export interface CaseFiles {
  readonly name: string;
  readonly inputs: CaseInputs;
  readonly domains: readonly CaseDomain[];
}
