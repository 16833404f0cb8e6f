/** One request as every rule and callback sees it, whatever framework it came through. All parts are read lazily. */
export interface MaintenanceRequest {
  /** Upper case. */
  readonly method: string
  /** Path and query as received, with every prefix an app is mounted under. */
  readonly url: string
  /** The host asked for, lower case, without a port. */
  readonly host: string | undefined
  /** A header by name, in any case; repeated ones joined by a comma. */
  header(name: string): string | undefined
  /** The client's address, as the adapter, `trustProxy` or `getClientIpAddress` judges it; `undefined` where it cannot be told. */
  readonly ip: string | undefined
  /** Whether the operation would change something, where an adapter knows it better than by the method: GraphQL and tRPC. */
  readonly writes?: boolean
  /** The framework's own request. */
  readonly native: unknown
}

/** Who is asking, as far as the user rules need to know. */
export interface MaintenanceUser {
  id?: string | number | undefined
  isAuthenticated: boolean
  isStaff: boolean
  isSuperuser: boolean
}

/**
 * What an adapter adds to a request for the rules: things only the framework knows.
 * `undefined` from `user()` means that the framework has no notion of a user here; `null` is an anonymous one.
 */
export interface AdaptedRequest extends MaintenanceRequest {
  /** The address of the connection, before any proxy is taken into account. */
  readonly peerAddress: string | undefined
  /** The framework's own user. */
  user(): MaintenanceUser | null | undefined | Promise<MaintenanceUser | null | undefined>
  /** Ends the user's session, where the framework has one. */
  logOut(): void | Promise<void>
  /** Whether the route that would answer is forced, as far as the framework can tell. */
  forced(): 'off' | 'on' | undefined
  /** Calls `listener` once the client is gone, at once if it is already; returns what ends the listening. Asked while a request waits only. */
  onGone?(listener: () => void): () => void
}
