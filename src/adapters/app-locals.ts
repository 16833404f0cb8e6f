import type { Engine } from '../engine.js'
import { FetchRequest } from '../request/plain-request.js'
import type { MaintenanceUser } from '../request/request.js'
import { toMaintenanceUser } from '../request/user.js'

/** What pages and endpoints find in `locals`. */
export interface MaintenanceLocals {
  /** True in every mode but `off`. */
  maintenance_mode: boolean
  /** Whether this request was let through although the mode is not `off`. */
  maintenance_mode_bypassed: boolean
}

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

  /** @param address asks the framework, which may throw */
  constructor(native: LocalsContext, { clientAddress }: Engine, address: () => string) {
    super(native.request, clientAddress, { native, ip: orNothing(address) })
  }

  override user(): MaintenanceUser | null | undefined {
    const { locals } = this.native
    // Where it is set, somebody has looked, whoever was found.
    return 'user' in locals ? (toMaintenanceUser(locals.user) ?? null) : undefined
  }
}

export function tellLocals(given: object, closed: boolean): void {
  const locals = given as Partial<MaintenanceLocals>
  // Another maintenance object of the app may have told them already.
  if (!closed && locals.maintenance_mode !== undefined) return
  locals.maintenance_mode = closed
  locals.maintenance_mode_bypassed = closed
}

function orNothing(address: () => string): string | undefined {
  try {
    return address()
  } catch {
    return undefined
  }
}
