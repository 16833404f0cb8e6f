/** What the servers of Hono pass as its `env`. */
interface Bindings {
  /** Bun, and @hono/node-server, where the app is given more than the server alone. */
  readonly server?: Bindings
  /** @hono/node-server. */
  readonly incoming?: { readonly socket?: { readonly remoteAddress?: string } }
  /** Bun. */
  requestIP?(request: Request): { readonly address: string } | null
  /** Deno. */
  readonly remoteAddr?: { readonly hostname?: string }
}

/** The address of the connection, where each runtime's own `getConnInfo` looks for it; no header is believed. */
export function connectionAddress(env: unknown, request: Request): string | undefined {
  const given = Object(env) as Bindings
  const { incoming, remoteAddr, requestIP } = Object(given.server ?? given) as Bindings
  if (incoming) return incoming.socket?.remoteAddress
  if (requestIP) return Reflect.apply(requestIP, given.server ?? given, [request])?.address
  return remoteAddr?.hostname
}
