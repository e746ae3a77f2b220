/**
 * One parameter out of a raw query string, without building the list of all of them.
 *
 * Reads as `application/x-www-form-urlencoded` (WHATWG URL): pairs split at `&`, name and value at the first `=`, `+`
 * is a space, percent-escapes are UTF-8. The first pair of the name counts, as the Gateway API asks. A malformed
 * escape stays as it stands and never throws.
 */
export function queryParam(query: string, name: string): string | undefined {
  let start = 0;
  while (start <= query.length) {
    const ampersand = query.indexOf("&", start);
    const end = ampersand === -1 ? query.length : ampersand;
    if (end > start) {
      const equals = query.indexOf("=", start);
      const nameEnd = equals === -1 || equals > end ? end : equals;
      if (nameIs(query, start, nameEnd, name)) return decode(query.slice(Math.min(nameEnd + 1, end), end));
    }
    start = end + 1;
  }
  return undefined;
}

function nameIs(query: string, start: number, end: number, name: string): boolean {
  if (end - start === name.length && query.startsWith(name, start) && !isEncoded(name)) return true;
  const written = query.slice(start, end);
  return isEncoded(written) && decode(written) === name;
}

function isEncoded(text: string): boolean {
  return text.includes("%") || text.includes("+");
}

function decode(text: string): string {
  if (!isEncoded(text)) return text;
  const spaced = text.includes("+") ? text.replaceAll("+", " ") : text;
  try {
    return decodeURIComponent(spaced);
  } catch {
    // The platform's form decoder is lenient where decodeURIComponent throws; slower, so only used here.
    return new URLSearchParams(`v=${text}`).get("v") ?? text;
  }
}
