/**
 * google.protobuf.Struct, as far as gateways use it to tell a picker something: text under a name, or a list of texts.
 *
 * Numbers, truths and nested structures are passed over. Bounded by the message that carries it: every value read takes
 * bytes of it, and nothing is read deeper than a list in a field.
 */
import { FIELDS, MAP_ENTRY } from "./fields.ts";
import type { ProtoReader } from "./proto-reader.ts";

export type StructTexts = ReadonlyMap<string, readonly string[]>;

/** The texts of each field of the Struct that `reader` stands at the beginning of. */
export function readStruct(reader: ProtoReader): StructTexts {
  const texts = new Map<string, readonly string[]>();
  while (reader.next()) {
    if (!reader.isBytes(FIELDS.Struct.fields)) continue;
    const entry = reader.inside();
    let key = "";
    let value: readonly string[] | undefined;
    while (entry.next()) {
      if (entry.isBytes(MAP_ENTRY.key)) key = entry.utf8();
      else if (entry.isBytes(MAP_ENTRY.value)) value = textsOf(entry.inside());
    }
    if (value !== undefined) texts.set(key, value);
  }
  return texts;
}

/** Undefined: neither a text nor a list. */
function textsOf(value: ProtoReader): readonly string[] | undefined {
  let texts: string[] | undefined;
  while (value.next()) {
    if (value.isBytes(FIELDS.Value.string_value)) texts = [value.utf8()];
    else if (value.isBytes(FIELDS.Value.list_value)) texts = listOf(value.inside());
  }
  return texts;
}

function listOf(list: ProtoReader): string[] {
  const texts: string[] = [];
  while (list.next()) {
    if (!list.isBytes(FIELDS.ListValue.values)) continue;
    const item = list.inside();
    while (item.next()) if (item.isBytes(FIELDS.Value.string_value)) texts.push(item.utf8());
  }
  return texts;
}
