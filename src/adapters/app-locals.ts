import type { Engine } from '../engine.js'
import { FetchRequest } from '../request/plain-request.js'
import type { MaintenanceUser } from '../request/request.js'
import { toMaintenanceUser } from '../request/user.js'
import type { MaintenanceLocals } from './template-locals.js'

export type { MaintenanceLocals } from './template-locals.js'

declare global {
  // SvelteKit and Astro both call it so.
  namespace App {
    interface Locals extends MaintenanceLocals {}
  }
}

/** What such a framework gives of a request. */
interface LocalsContext {
  readonly request: Request
  readonly locals: object
}

/** A request of a framework that keeps the user in `locals`. */
export class LocalsRequest extends FetchRequest {
  declare readonly native: LocalsContext
  readonly #address: () => string

  /** @param address asks the framework, which may throw */
  constructor(native: LocalsContext, { clientAddress }: Engine, address: () => string) {
    super(native.request, clientAddress, { native })
    this.#address = address
  }

  override get peerAddress(): string | undefined {
    try {
      return this.#address()
    } catch {
      return undefined
    }
  }

  override user(): MaintenanceUser | null | undefined {
    const { locals } = this.native
    // Where it is set, somebody has looked, whoever was found.
    return 'user' in locals ? (toMaintenanceUser(locals.user) ?? null) : undefined
  }
}
