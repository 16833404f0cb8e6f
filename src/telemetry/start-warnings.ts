import type { StateBackend } from '../backends/backend.js'
import type { Hosting } from '../platform/hosting.js'
import { isFromConfig } from '../settings/config.js'
import type { Settings } from '../settings/options.js'
import type { Reporter } from './warnings.js'

/** Says at the start what will surprise later. */
export function warnOfSettings(options: {
  settings: Settings
  unknownVariables: readonly { variable: string; nearest: string | undefined }[]
  /** The option `stateBackend` as it was given in code. */
  inCode: string | StateBackend | undefined
  backend: StateBackend
  hosting: Hosting | undefined
  reporter: Reporter
}): void {
  const { settings, unknownVariables, inCode, backend, hosting, reporter } = options
  const { mode, stateBackend, statusCode } = settings
  if (mode !== undefined) {
    reporter.warn('pinned-mode', `The mode is pinned to "${mode}" by the setting \`mode\`: no command switches it.`)
  }
  for (const { variable, nearest } of unknownVariables) {
    const meant = nearest === undefined ? '' : ` Did you mean ${nearest}?`
    reporter.warn('unknown-variable', `No setting reads the environment variable ${variable}.${meant}`)
  }
  if (hosting && mode === undefined && /^(file|memory|sqlite):/.test(backend.address)) {
    reporter.warn(
      'unshared-state',
      `The state is kept at ${backend.address}, but instances on ${hosting.name} share no disk: each has a state of its own, and a command reaches none of them. Set \`stateBackend\` to what all can reach, such as redis:// or postgres://.`,
    )
  } else if (backend.address === 'memory:' && mode === undefined) {
    reporter.warn(
      'memory-backend',
      'The state is kept in the memory of this process: no command reaches it, and a restart forgets it.',
    )
  } else if (typeof stateBackend === 'object' && stateBackend === inCode && !isFromConfig(stateBackend)) {
    reporter.warn(
      'state-backend-in-code',
      'The option `stateBackend` is an object given in code, where the command line cannot see it. Move it into maintenance-mode.config.js with defineConfig, and import that in the app.',
    )
  }
  const { compareAndSet, writable } = backend.capabilities
  const mute = [
    mode !== undefined && 'the mode is pinned, so that nothing changes',
    hosting?.timers === false && `no timers run on ${hosting.name}`,
    !writable && `the state at ${backend.address} cannot be written, so that the instances cannot agree on who tells`,
  ].find((reason) => reason !== false)
  if (settings.notify.length > 0 && mute !== undefined) {
    reporter.warn('cannot-notify', `\`notify\` is set, but nobody will be told: ${mute}.`)
  }
  if (!compareAndSet && writable && mode === undefined && backend.address !== 'memory:') {
    reporter.warn(
      'no-compare-and-set',
      `The state at ${backend.address} is written without compare and set: two operators who switch at the same moment can overwrite each other.`,
    )
  }
  if ((settings.ignoreStaff || settings.ignoreSuperuser || settings.ignoreAuthenticatedUser) && !hasWayIn(settings)) {
    reporter.warn(
      'no-login-url',
      'Users who sign in are let through, but while the mode is on nobody can sign in: name the log-in page in `loginUrls`.',
    )
  }
  if (statusCode < 400) {
    reporter.warn(
      'status-code',
      `Refusals are answered with ${statusCode}: clients and search engines take that for the page itself.`,
    )
  }
}

function hasWayIn({ loginUrls, ignoreUrls, ignoreAdminSite, ignoreAnonymousUser }: Settings): boolean {
  return loginUrls.length > 0 || ignoreUrls.length > 0 || ignoreAdminSite || ignoreAnonymousUser
}
