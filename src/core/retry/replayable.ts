/**
 * Which requests may be sent again when the first may already have been acted upon: those with an idempotent
 * method (RFC 9110, section 9.2.2). Method names are case-sensitive (section 9.1).
 *
 * Prompts are idempotent too, though they are POSTed: a model server changes nothing by answering one, and nobody keeps the answer
 * that was not given. What repeats cost is for the budget to bound.
 */
export function isIdempotent(method: string): boolean {
  switch (method) {
    case "GET":
    case "HEAD":
    case "OPTIONS":
    case "TRACE":
    case "PUT":
    case "DELETE":
      return true;
    default:
      return false;
  }
}
