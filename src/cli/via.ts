import { hostname } from 'node:os'
import { openVia } from '../backends/via.js'
import { SettingError } from '../errors.js'
import { variableOf } from '../settings/environment.js'
import type { Actor } from '../state/terms.js'
import type { Context, KnownScopes } from './context.js'
import { wrongUsage } from './output.js'

/** A site through which a command goes. */
export interface Site {
  backend: Awaited<ReturnType<typeof openVia>>
  settings: Context['settings']
  scopes: KnownScopes
  /** Who it is there, by the token. */
  actor: Actor
}

/**
 * Opens the state of a site through its control URLs.
 *
 * @throws Error of wrong usage where there is no token, or the address is none to which one is sent
 */
export async function openSite(url: string, token: string | undefined): Promise<Site> {
  const variable = variableOf('adminToken')
  const given = token || process.env[variable]
  if (!given) {
    throw wrongUsage(
      `There is no token for --via: give it as ${variable} in the environment or the environment file, or as --token.`,
    )
  }
  try {
    const backend = await openVia({ url, token: given })
    const { pinned, pollInterval, drainTimeout, operator, scopes: parts, tenants, assertScope } = backend.site
    const from = `cli@${hostname()} via ${new URL(url).host}`
    const scopes = { parts, isTenant: tenants ? () => undefined : undefined, assert: assertScope }
    return { backend, settings: { mode: pinned, pollInterval, drainTimeout }, scopes, actor: { by: operator, from } }
  } catch (error) {
    throw error instanceof SettingError ? wrongUsage(error.message) : error
  }
}
