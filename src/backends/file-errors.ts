import { MaintenanceError, messageOf, StateBackendError } from '../errors.js'

/** The system's code of a failed call: `ENOENT`, `EACCES` … */
export function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code
}

/** The caller may not do this here, however often it tries. */
export function isDenied(error: unknown): boolean {
  return ['EACCES', 'EPERM', 'EROFS'].includes(codeOf(error) ?? '')
}

/** Says what could not be done with which state file, and what to do now. Errors of ours pass as they are. */
export function fileFailure(action: 'read' | 'write', path: string, error: unknown): MaintenanceError {
  if (error instanceof MaintenanceError) return error
  return new StateBackendError(`Cannot ${action} the state file ${path}: ${advice(action, error)}`, { cause: error })
}

function advice(action: 'read' | 'write', error: unknown): string {
  const code = codeOf(error)
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return `permission denied (${code}) for ${user()}. Let this user ${action} the file and enter its folders, or run as the file's owner.`
    case 'EROFS':
      return 'the file system is read-only (EROFS). Make it writable, or set stateFilePath to a place that is.'
    case 'EISDIR':
      return 'there is a folder in its place (EISDIR). Remove the folder, or set stateFilePath to a file.'
    case 'ENOTDIR':
      return 'one of its folders is a file (ENOTDIR). Correct stateFilePath.'
    case 'ELOOP':
      return 'its symbolic links lead in a circle (ELOOP). Correct the links, or stateFilePath.'
    case 'ENOSPC':
    case 'EDQUOT':
      return `no space is left (${code}). Free some, then repeat; what was stored still is.`
    default:
      return `${messageOf(error)}. Correct that, or set stateFilePath to another place.`
  }
}

function user(): string {
  const uid = process.geteuid?.()
  return uid === undefined ? 'this user' : `user id ${uid}`
}
