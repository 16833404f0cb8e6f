import { hostname, userInfo } from 'node:os'
import type { Actor } from '../state/terms.js'

/** Who runs this command, and from where: for the history. */
export function actorHere(): Actor {
  return { by: userName(), from: `cli@${hostname()}` }
}

function userName(): string {
  try {
    return process.env.SUDO_USER || userInfo().username
  } catch {
    // A container may run as a user id that has no name.
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}
