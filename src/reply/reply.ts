/** A framework-free answer. */
export interface Reply {
  status: number
  headers: Record<string, string>
  /** Empty for a redirect. Adapters leave it out for HEAD. */
  body: string | Uint8Array
}
