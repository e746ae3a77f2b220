/**
 * One value of the body that is prompt, as canonical bytes.
 *
 * | value | canonical bytes |
 * |---|---|
 * | the prompt, a string | its UTF-8 |
 * | token ids | four bytes each, little-endian; a batch has a mark of four 0xff before each of its lists |
 * | messages, tools, input items | structure: marks, keys and values in the order of the body |
 *
 * Marks are bytes that UTF-8 never has, so no text can pretend to be structure. The outermost array has no mark at its
 * end: a conversation that goes on begins with all the bytes it had. Left out: `cache_control`, which clients move from
 * message to message. Strings under the keys that carry media are put in as 8 bytes of digest.
 */
import type { JsonNumber } from "./json-number.ts";
import { ARRAY, KEY_BYTES_MAX, OBJECT, type ContainerKind } from "./json-place.ts";
import type { JsonPlace } from "./json-place.ts";
import type { LiteralName } from "./json-visitor.ts";
import { ByteDigest } from "./byte-digest.ts";
import { NameTable, UNKNOWN } from "./name-table.ts";
import { MAIN, type PromptHasher } from "./prompt-hasher.ts";
import type { PromptField } from "./request-fields.ts";

const OBJECT_START = 0xf8;
const OBJECT_END = 0xf9;
const ARRAY_START = 0xfa;
const ARRAY_END = 0xfb;
const TEXT_START = 0xfc;
const SCALAR_START = 0xfd;
const KEY_START = 0xfe;
const DIGEST_START = 0xff;
/** Before each list of a batch of token ids: no id is as large. */
const LIST_START = -1;
/** Ids are the engine's int32 or uint32; no vocabulary comes near. */
const TOKEN_ID_MAX = 0xffff_fffe;

const KEYS = new NameTable(["cache_control", "url", "image_url", "data", "file_data"]);
const CACHE_CONTROL = KEYS.indexOf("cache_control");

const LITERALS: Readonly<Record<LiteralName, Uint8Array>> = {
  true: Uint8Array.of(0x74),
  false: Uint8Array.of(0x66),
  null: Uint8Array.of(0x6e),
};

/** What the main section turned out to be; part of the root, so that ids are never taken for text. */
export type PromptForm = "none" | "text" | "tokens" | "structure";

export interface PromptFaults {
  wrongType(expected: string): void;
}

export class PromptVisitor {
  /** Of the main section. */
  form: PromptForm = "none";
  /** Prompts in the main section: more than 1 for a batch. */
  prompts = 0;
  tokens = 0;
  mediaParts = 0;
  /** Anything in the main section but structure. */
  hasContent = false;
  readonly #hasher: PromptHasher;
  readonly #place: JsonPlace;
  readonly #faults: PromptFaults;
  readonly #digest = new ByteDigest();
  #field: PromptField | undefined;
  /** Depth at which the value stands. */
  #base = 0;
  /** Of the value being read. */
  #form: PromptForm = "none";
  /** Depth of the key whose value is left out; -1: none. */
  #skipped = -1;
  #isMedia = false;
  #inDigest = false;

  constructor(hasher: PromptHasher, place: JsonPlace, faults: PromptFaults) {
    this.#hasher = hasher;
    this.#place = place;
    this.#faults = faults;
  }

  reset(): void {
    this.form = "none";
    this.prompts = 0;
    this.tokens = 0;
    this.mediaParts = 0;
    this.hasContent = false;
    this.#field = undefined;
    this.#inDigest = false;
  }

  get isOpen(): boolean {
    return this.#field !== undefined;
  }

  begin(field: PromptField): void {
    this.#field = field;
    this.#base = this.#place.depth;
    this.#form = "none";
    this.#skipped = -1;
    this.#isMedia = false;
    this.#hasher.begin(field.section);
  }

  #end(): void {
    this.#hasher.end();
    const field = this.#field!;
    if (field.section === MAIN) {
      this.form = this.#form;
      if (this.#form === "tokens" && this.prompts === 0) this.prompts = 1;
    }
    this.#field = undefined;
  }

  key(hash: number): void {
    if (this.#skipped >= 0) return;
    const name = KEYS.find(this.#place, hash);
    if (name === CACHE_CONTROL) {
      this.#skipped = this.#place.depth;
      return;
    }
    this.#isMedia = name !== UNKNOWN;
    const start = this.#place.depth * KEY_BYTES_MAX;
    const length = this.#place.keyLengths[this.#place.depth]!;
    this.#hasher.mark(KEY_START);
    this.#hasher.run(this.#place.keys, start, start + Math.min(length, KEY_BYTES_MAX));
    if (length <= KEY_BYTES_MAX) return;
    this.#hasher.mark(DIGEST_START);
    this.#hasher.digest(hash);
    this.#hasher.digest(length);
  }

  open(kind: ContainerKind): void {
    if (this.#skipped >= 0) return;
    const { shape, section } = this.#field!;
    const level = this.#place.depth - this.#base;
    this.#isMedia = false;
    if (level === 0) {
      if (shape === "text") this.#faults.wrongType("a string");
      else if (kind === OBJECT) this.#faults.wrongType(this.#expectedWhole());
      else if (shape !== "text-or-tokens") this.#form = "structure";
      if (section === MAIN && shape !== "text-or-tokens") this.prompts = 1;
      return;
    }
    if (shape === "text-or-tokens") {
      if (
        kind === OBJECT ||
        level > 1 ||
        this.#form === "structure" ||
        (this.#form === "tokens" && this.prompts === 0)
      )
        this.#faults.wrongType(this.#expectedElement());
      this.#form = "tokens";
      this.prompts++;
      this.#hasher.word(LIST_START);
      return;
    }
    if (level === 1 && kind === ARRAY && shape !== "list") this.#faults.wrongType("an object");
    this.#hasher.mark(kind === OBJECT ? OBJECT_START : ARRAY_START);
  }

  close(kind: ContainerKind): void {
    const { depth } = this.#place;
    if (this.#skipped >= 0) {
      if (depth === this.#skipped) this.#skipped = -1;
      return;
    }
    if (depth === this.#base) this.#end();
    else if (this.#field!.shape !== "text-or-tokens")
      this.#hasher.mark(kind === OBJECT ? OBJECT_END : ARRAY_END);
  }

  text(): boolean {
    if (this.#skipped >= 0) return false;
    const { shape } = this.#field!;
    const level = this.#place.depth - this.#base;
    if (level === 0) {
      if (shape === "items" || shape === "list") {
        this.#faults.wrongType(this.#expectedWhole());
        return false;
      }
      this.#form = "text";
      this.#countPrompt();
      return true;
    }
    if (shape === "text-or-tokens") {
      if (this.#form === "tokens") this.#faults.wrongType(this.#expectedElement());
      this.#form = "structure";
      this.#countPrompt();
    } else if (level === 1 && shape !== "list") this.#faults.wrongType("an object");
    if (this.#isMedia) {
      this.#inDigest = true;
      this.#digest.reset();
    } else this.#hasher.mark(TEXT_START);
    return true;
  }

  run(bytes: Uint8Array, start: number, end: number): void {
    if (this.#inDigest) this.#digest.run(bytes, start, end);
    else this.#hasher.run(bytes, start, end);
    if (this.#field!.section === MAIN) this.hasContent = true;
  }

  textEnd(): void {
    if (this.#inDigest) {
      const lanes = this.#digest.finish();
      this.#hasher.mark(DIGEST_START);
      this.#hasher.digest(lanes[0]!);
      this.#hasher.digest(lanes[1]!);
      this.#inDigest = false;
      this.mediaParts++;
    }
    this.#valueEnd();
  }

  number(number: JsonNumber): void {
    if (this.#skipped < 0) {
      const { shape, section } = this.#field!;
      const level = this.#place.depth - this.#base;
      if (level === 0) this.#faults.wrongType(this.#expectedWhole());
      else if (shape === "text-or-tokens") this.#token(number.plainInteger);
      else if (level === 1 && shape !== "list") this.#faults.wrongType("an object");
      else this.#scalar(number.text, number.kept);
      if (section === MAIN) this.hasContent = true;
    }
    this.#valueEnd();
  }

  /** Once the first id of a list has shown what it is. */
  get wantsIntegers(): boolean {
    const level = this.#place.depth - this.#base;
    return this.#form === "tokens" && level === (this.prompts > 0 ? 2 : 1);
  }

  integers(values: Uint32Array, count: number): void {
    this.tokens += count;
    this.#hasher.words(values, count);
    if (this.#field!.section === MAIN) this.hasContent = true;
  }

  literal(name: LiteralName): void {
    if (this.#skipped < 0) {
      const { shape } = this.#field!;
      const level = this.#place.depth - this.#base;
      if (level === 0) this.#faults.wrongType(this.#expectedWhole());
      else if (shape === "text-or-tokens") this.#faults.wrongType(this.#expectedElement());
      else if (level === 1 && shape !== "list") this.#faults.wrongType("an object");
      else this.#scalar(LITERALS[name], 1);
    }
    this.#valueEnd();
  }

  #token(id: number): void {
    const isMixed = this.#form === "structure" || (this.prompts > 0 && this.#place.depth - this.#base === 1);
    if (isMixed || id < 0 || id > TOKEN_ID_MAX) this.#faults.wrongType(this.#expectedElement());
    this.#form = "tokens";
    this.tokens++;
    this.#hasher.word(id);
  }

  #scalar(bytes: Uint8Array, length: number): void {
    this.#hasher.mark(SCALAR_START);
    this.#hasher.run(bytes, 0, length);
  }

  #countPrompt(): void {
    if (this.#field!.section === MAIN) this.prompts++;
  }

  /** A string, number or literal is over. */
  #valueEnd(): void {
    const { depth } = this.#place;
    if (this.#skipped === depth) this.#skipped = -1;
    else if (depth === this.#base && this.#field !== undefined) this.#end();
    this.#isMedia = false;
  }

  #expectedWhole(): string {
    switch (this.#field!.shape) {
      case "text":
        return "a string";
      case "items":
        return "an array of objects";
      case "text-or-items":
        return "a string or an array of objects";
      case "list":
        return "an array";
      case "text-or-tokens":
        return "a string or an array of strings or token ids";
    }
  }

  #expectedElement(): string {
    if (this.#form === "tokens") return this.prompts > 0 ? "an array of token ids" : "a token id";
    return this.#form === "structure" ? "a string" : "a string, a token id or an array of token ids";
  }
}
