/**
 * The JSON object of a request, field by field as the scanner meets them: what is kept, what is prompt, what is a fault.
 *
 * A name that counts may stand once: a second one is refused, because the engine might take the other one than we did.
 * Names that do not count are not watched.
 */
import type { InferenceApi, RequestFaultKind } from "../../../model/inference-facts.ts";
import type { JsonNumber } from "./json-number.ts";
import { OBJECT, type ContainerKind } from "./json-place.ts";
import { JsonScanner } from "./json-scanner.ts";
import type { JsonVisitor, LiteralName } from "./json-visitor.ts";
import { UNKNOWN } from "./name-table.ts";
import { MAIN, type PromptHasher } from "./prompt-hasher.ts";
import { PromptVisitor } from "./prompt-visitor.ts";
import { API_FIELDS, FIELD_NAMES, type ApiFields, type Leaf, type LeafField } from "./request-fields.ts";
import { CAPTURE_BYTES_MAX, TextCapture } from "./text-capture.ts";

/** Engines count in int32. */
const COUNT_MAX = 0x7fff_ffff;

export type LeafValues = { [Name in Leaf]?: string | number | boolean };

export class RequestEnvelope implements JsonVisitor {
  readonly scanner = new JsonScanner(this);
  readonly prompt: PromptVisitor;
  /** By name of what is kept; absent where the body does not say. */
  values: LeafValues = {};
  /** Of the model's value with its quotes, in bytes of the body; -1: none. */
  modelStart = -1;
  modelEnd = -1;
  /** A main section was given, or stands on the server. */
  hasPrompt = false;
  faultKind: RequestFaultKind | undefined;
  faultExpected = "";
  fields: ApiFields = API_FIELDS["openai-chat"];
  readonly #capture = new TextCapture();
  readonly #hasher: PromptHasher;
  /** One bit per name, of the envelope and of the group that is open. */
  readonly #seen = new Uint8Array(FIELD_NAMES.names.length);
  readonly #seenInGroup = new Uint8Array(FIELD_NAMES.names.length);
  /** Index of the key whose value comes. */
  #name = UNKNOWN;
  #group: readonly (LeafField | undefined)[] | undefined;
  #leaf: LeafField | undefined;

  constructor(hasher: PromptHasher) {
    this.#hasher = hasher;
    this.prompt = new PromptVisitor(hasher, this.scanner.place, {
      wrongType: (expected) => this.#fail("wrong-type", expected),
    });
  }

  begin(api: InferenceApi): void {
    this.fields = API_FIELDS[api];
    this.values = {};
    this.modelStart = -1;
    this.modelEnd = -1;
    this.hasPrompt = false;
    this.faultKind = undefined;
    this.#seen.fill(0);
    this.#name = UNKNOWN;
    this.#group = undefined;
    this.#leaf = undefined;
    this.scanner.reset();
    this.prompt.reset();
    this.#hasher.reset();
  }

  key(hash: number): void {
    if (this.prompt.isOpen) {
      this.prompt.key(hash);
      return;
    }
    const { place } = this.scanner;
    this.#leaf = undefined;
    if (place.depth > 2 || (place.depth === 2 && this.#group === undefined)) return;
    const name = FIELD_NAMES.find(place, hash);
    this.#name = name;
    if (name === UNKNOWN) return;
    const isEnvelope = place.depth === 1;
    const leaf = isEnvelope ? this.fields.leaves[name] : this.#group![name];
    this.#leaf = leaf;
    const counts =
      leaf !== undefined ||
      (isEnvelope && (this.fields.prompts[name] !== undefined || this.fields.groups[name] !== undefined));
    const seen = isEnvelope ? this.#seen : this.#seenInGroup;
    if (counts && seen[name] === 1) this.#fail("duplicate-key", "each name once");
    seen[name] = 1;
    if (isEnvelope && this.fields.storedInputs[name] === true) this.hasPrompt = true;
  }

  open(kind: ContainerKind): void {
    if (this.#inPrompt()) {
      this.prompt.open(kind);
      return;
    }
    const { depth } = this.scanner.place;
    if (depth === 0) {
      if (kind !== OBJECT) this.#fail("wrong-type", "a JSON object");
      return;
    }
    const group = depth === 1 && this.#name !== UNKNOWN ? this.fields.groups[this.#name] : undefined;
    if (group !== undefined && kind === OBJECT) {
      this.#group = group.leaves;
      this.#seenInGroup.fill(0);
      this.#leaf = undefined;
    } else this.#reject();
  }

  close(kind: ContainerKind): void {
    if (this.prompt.isOpen) this.prompt.close(kind);
    else if (this.scanner.place.depth === 1) this.#group = undefined;
  }

  text(): boolean {
    if (this.#inPrompt()) return this.prompt.text();
    const leaf = this.#atLeaf();
    if (leaf?.kind !== "text") {
      this.#reject();
      return false;
    }
    if (leaf.leaf === "model") this.modelStart = this.scanner.offset;
    this.#capture.begin();
    return true;
  }

  run(bytes: Uint8Array, start: number, end: number): void {
    if (this.prompt.isOpen) this.prompt.run(bytes, start, end);
    else this.#capture.run(bytes, start, end);
  }

  textEnd(): void {
    if (this.prompt.isOpen) {
      this.prompt.textEnd();
      return;
    }
    const leaf = this.#leaf;
    if (leaf?.kind !== "text") return;
    if (leaf.isStrict && this.#capture.isCut)
      this.#fail("out-of-range", `at most ${CAPTURE_BYTES_MAX} bytes`);
    if (leaf.leaf === "model") this.modelEnd = this.scanner.offset;
    if (!this.#capture.isEmpty) this.values[leaf.leaf] = this.#capture.text();
    this.#leaf = undefined;
  }

  number(number: JsonNumber): void {
    if (this.#inPrompt()) {
      this.prompt.number(number);
      return;
    }
    const leaf = this.#atLeaf();
    if (leaf?.kind !== "count" && leaf?.kind !== "integer") {
      this.#reject();
      return;
    }
    const { value } = number;
    if (Number.isSafeInteger(value) && (leaf.kind === "integer" || (value >= 0 && value <= COUNT_MAX)))
      this.#keep(leaf.leaf, value);
    else if (leaf.isStrict) {
      const isFraction = Number.isFinite(value) && !Number.isInteger(value);
      this.#fail(isFraction ? "wrong-type" : "out-of-range", `an integer from 0 to ${COUNT_MAX}`);
    }
    this.#leaf = undefined;
  }

  get wantsIntegers(): boolean {
    return this.prompt.isOpen && this.prompt.wantsIntegers;
  }

  integers(values: Uint32Array, count: number): void {
    this.prompt.integers(values, count);
  }

  literal(name: LiteralName): void {
    if (this.#inPrompt(name === "null")) {
      this.prompt.literal(name);
      return;
    }
    const leaf = this.#atLeaf();
    if (name !== "null") {
      if (leaf?.kind === "flag") this.values[leaf.leaf] = name === "true";
      else this.#reject();
    }
    this.#leaf = undefined;
  }

  /** Of several bounds on the same thing the closest one holds. */
  #keep(leaf: Leaf, value: number): void {
    const before = this.values[leaf];
    this.values[leaf] = typeof before === "number" ? Math.min(before, value) : value;
  }

  /** The value that begins is prompt, or part of one. */
  #inPrompt(isNull = false): boolean {
    if (this.prompt.isOpen) return true;
    if (this.scanner.place.depth !== 1 || this.#name === UNKNOWN) return false;
    const field = this.fields.prompts[this.#name];
    if (field === undefined || isNull) return false;
    if (field.section === MAIN) {
      if (this.prompt.form !== "none") this.#fail("duplicate-key", `one of ${this.fields.promptNames}`);
      this.hasPrompt = true;
    }
    this.prompt.begin(field);
    return true;
  }

  /** The field whose value begins here, if it is one to keep. */
  #atLeaf(): LeafField | undefined {
    const { depth } = this.scanner.place;
    if (depth === 0) this.#fail("wrong-type", "a JSON object");
    return depth === 1 || (depth === 2 && this.#group !== undefined) ? this.#leaf : undefined;
  }

  /** The value that begins is not of the type its field has. */
  #reject(): void {
    const leaf = this.#atLeaf();
    this.#leaf = undefined;
    if (leaf?.isStrict === true) this.#fail("wrong-type", EXPECTED_OF[leaf.kind]);
    if (this.scanner.place.depth !== 1 || this.#name === UNKNOWN) return;
    if (this.fields.groups[this.#name]?.isStrict === true) this.#fail("wrong-type", "an object");
  }

  #fail(kind: RequestFaultKind, expected: string): void {
    if (this.faultKind !== undefined) return;
    this.faultKind = kind;
    this.faultExpected = expected;
    this.scanner.stop();
  }
}

const EXPECTED_OF = {
  text: "a string",
  flag: "true or false",
  count: "an integer",
  integer: "an integer",
} as const;
