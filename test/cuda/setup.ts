/** A test whose operators had no value on the fake device proves nothing: it fails. */
import { takeUncomputed } from "./device";

beforeEach(() => void takeUncomputed());
afterEach(() => expect(takeUncomputed()).toEqual({}));
