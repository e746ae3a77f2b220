/**
 * What routing may know of a request: the words its matches are written in.
 *
 * The request line fills this once per request. Text is as received except where said; nothing here is decoded,
 * because most routes never look and those that do decode only the part they compare.
 */
export interface RouteFacts {
  /** From Host or :authority: lower case, without port, without trailing dot. */
  readonly host: string;
  /** Begins with `/`; without the query; percent-escapes as received. */
  readonly path: string;
  /** As received: methods are case-sensitive (RFC 9110 section 9.1). */
  readonly method: string;
  /** Everything after the first `?`, raw; empty where there is none. */
  readonly query: string;
  /**
   * The header's value by lower-case name; several values joined by `,`; undefined where absent. Called only when a
   * rule that could still match asks for the header.
   */
  header(nameLowerCase: string): string | undefined;
}
