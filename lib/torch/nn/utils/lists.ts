/** Lists of tensors that callers hand over. */
import { show } from "../../arguments";
import { Tensor } from "../../tensor";

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof (value as Partial<Iterable<unknown>> | null | undefined)?.[Symbol.iterator] === "function";
}

/** The tensors as an array. @throws TypeError for anything else. */
export function listOf(where: string, tensors: Iterable<Tensor>): Tensor[] {
  // a tensor can be iterated over, too: its rows are not meant
  const isList = isIterable(tensors) && !(tensors instanceof Tensor);
  const list = isList ? [...tensors] : [];
  const position = list.findIndex((tensor) => !(tensor instanceof Tensor));
  if (position >= 0 || !isList) {
    const got = position >= 0 ? `${show(list[position])} at position ${position}` : show(tensors);
    throw new TypeError(`${where}: expected tensors, such as model.parameters(), got ${got}`);
  }
  return list;
}
