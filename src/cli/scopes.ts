import { unknownScope } from '../decision/scopes.js'
import { MaintenanceError } from '../errors.js'
import type { Context } from './context.js'
import { lookAround } from './instances.js'

/**
 * A scope is one that the settings here define, or that a live instance has announced.
 *
 * @throws MaintenanceError for any other: a slip of the pen must neither close nothing, nor the whole site
 */
export async function assertScope(context: Context, scope: string): Promise<void> {
  const { scopes = {}, tenants } = context.settings
  if (Object.hasOwn(scopes, scope) || tenants?.has(scope) === true) return
  const { instances = [] } = await lookAround(context)
  const announced = instances.flatMap((instance) => instance.scopes)
  if (announced.includes(scope)) return
  const parts = [...new Set([...Object.keys(scopes), ...announced])]
  throw new MaintenanceError('ERR_MAINTENANCE_SETTING', unknownScope(scope, parts, tenants !== undefined))
}
