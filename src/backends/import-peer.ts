import { platform } from '#platform'
import { messageOf, StateBackendError } from '../errors.js'

/**
 * Imports the first of these packages that is installed. The one place that does: a specifier that bundlers can read would
 * make them look for packages that an app has not installed, and fail.
 *
 * @throws StateBackendError that says what to install
 */
export async function importPeer<Module>(
  address: string,
  ...names: readonly [string, ...string[]]
): Promise<{ name: string; module: Module }> {
  for (const name of names) {
    try {
      return { name, module: await importModule<Module>(name) }
    } catch (error) {
      if (isMissing(error, name)) continue
      throw new StateBackendError(
        `The package ${name}, which ${address} needs, cannot be loaded: ${messageOf(error)}`,
        {
          cause: error,
        },
      )
    }
  }
  const choice = names.length > 1 ? ` (or ${names.slice(1).join(', ')})` : ''
  throw new StateBackendError(
    `The state at ${address} needs the package ${names[0]}${choice}, which is not installed: run \`npm install ${names[0]}\`. In an app that is bundled, pass the backend with its client as \`stateBackend\` instead.`,
  )
}

async function importModule<Module>(name: string): Promise<Module> {
  try {
    return await import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ name)
  } catch (error) {
    if (!isMissing(error, name)) throw error
    // A command that is installed for the whole machine takes the app's own client.
    const place = platform.resolveModule(name)
    if (place === undefined) throw error
    return import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ place)
  }
}

/** Not installed; a package that is, but lacks one of its own, is broken. */
function isMissing(error: unknown, name: string): boolean {
  const { code } = error as { code?: unknown }
  if (code === 'ERR_UNKNOWN_BUILTIN_MODULE') return true
  const missing = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND'
  return missing && messageOf(error).includes(`'${name}'`)
}
