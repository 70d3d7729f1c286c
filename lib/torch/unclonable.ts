/** Objects that JSON and structured clones would turn into something without a value. */

/** Where `JSON.stringify` met the object last. */
let place = "";

/**
 * The value of a property by which `structuredClone`, `postMessage` and `v8.serialize` refuse an object: it is a function, which
 * they cannot copy and quote in their error (about 140 characters of it). `JSON.stringify` refuses too, unless its replacer has put something else in the object's
 * place.
 *
 * @param advice tells what to do; the text of the function is what the others quote, so that it must be an arrow around a literal.
 */
export function unclonable(advice: () => string): () => string {
  return Object.assign(advice, {
    toJSON(): never {
      throw new TypeError(`JSON.stringify${place}: ${advice()}`);
    },
  });
}

/** What `toJSON` of such an object returns: itself, for the replacer, or the text, for printers, which call it without a key. */
export function forJson<T>(object: T, key: string | undefined, text: () => string): T | string {
  if (key === undefined) return text();
  place = key === "" ? "" : ` at ${JSON.stringify(key)}`;
  return object;
}
