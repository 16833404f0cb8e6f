/** What tells a cache how long it may keep a response, besides Cache-Control. */
export const freshness: readonly string[] = ['Expires', 'Surrogate-Control', 'CDN-Cache-Control']

/** A response that depends on who asks must not be served to others from a cache (RFC 9111, 5.2.2.7). */
export function makePrivate(headers: {
  set(name: string, value: string): unknown
  delete(name: string): unknown
}): void {
  headers.set('Cache-Control', 'private, no-store')
  for (const name of freshness) headers.delete(name)
}
