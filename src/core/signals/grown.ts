/** A column of `length` cells: those of `before`, then `filler`. `before` stays as it is. */
export function grown<
  Column extends Float64Array | Float32Array | Int32Array | Uint32Array | Uint16Array | Uint8Array,
>(before: Column, length: number, filler = 0): Column {
  const after = new (before.constructor as new (length: number) => Column)(length);
  if (filler !== 0) after.fill(filler);
  after.set(before);
  return after;
}
