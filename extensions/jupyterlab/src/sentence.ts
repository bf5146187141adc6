/** From whatever was thrown to what people are told. */

/** Return the sentence of an error, whatever was thrown. */
export function sentence(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}
