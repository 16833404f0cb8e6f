import type { MaintenanceUser } from './request.js'

/**
 * What a framework, or a log-in library, has put where the user stands. `null` is nobody; `undefined` where nothing is there,
 * as nobody may have looked yet.
 */
export function toMaintenanceUser(user: unknown): MaintenanceUser | null | undefined {
  if (user === null) return null
  if (typeof user !== 'object') return undefined
  const { id, isStaff, is_staff, isSuperuser, is_superuser } = user as Record<string, unknown>
  return {
    id: typeof id === 'string' || typeof id === 'number' ? id : undefined,
    isAuthenticated: true,
    isStaff: isStaff === true || is_staff === true,
    isSuperuser: isSuperuser === true || is_superuser === true,
  }
}
