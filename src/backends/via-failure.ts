import * as v from 'valibot'
import {
  MaintenanceError,
  type MaintenanceErrorCode,
  PinnedModeError,
  StateBackendError,
  StateConflictError,
  StateDamagedError,
} from '../errors.js'
import { backendFailure } from './failure.js'
import type { WebAnswer } from './web-request.js'

/** Problem details, as the control URLs give them. */
const problemSchema = v.object({
  type: v.pipe(v.string(), v.startsWith('urn:maintenance-mode:')),
  detail: v.string(),
  code: v.optional(v.pipe(v.string(), v.startsWith('ERR_MAINTENANCE_'))),
})

const classes: Readonly<Partial<Record<string, new (message: string) => MaintenanceError>>> = {
  ERR_MAINTENANCE_CONFLICT: StateConflictError,
  ERR_MAINTENANCE_STATE_DAMAGED: StateDamagedError,
  ERR_MAINTENANCE_PINNED: PinnedModeError,
  ERR_MAINTENANCE_BACKEND: StateBackendError,
}

/** What a site answered instead of what was asked for: its own error, or what stands in its place, and what to do then. */
export function viaFailure(url: string, doing: 'read' | 'written', answer: WebAnswer): MaintenanceError {
  const { status, headers } = answer
  const problem = problemOf(answer)
  // A refusal is what visitors get, and has the type of a problem of ours as well.
  if (headers.has('maintenance-mode')) return failure('it is down for maintenance at that address', mounted)
  if (problem?.code !== undefined) return errorOf(problem.code, `${url} answers: ${problem.detail}`)
  if (problem) return failure(problem.detail)
  const target = headers.get('location')
  if (status >= 300 && status < 400 && target !== null) {
    return failure(
      `it sends us on to ${targetOf(target, url)}, where a token is not sent`,
      `Give that address; where it is a log-in, have what is below ${url} let through without it.`,
    )
  }
  return failure(
    status === 200 ? 'it answers with something else than a state' : `it answers ${status}`,
    hintOf(status),
  )

  function failure(what: string, hint?: string): MaintenanceError {
    return backendFailure(url, doing, new Error(what), hint)
  }
}

const mounted =
  'Are the control URLs (`maintenanceControls`) mounted there, and is it the setting controlUrl of the site, such as https://shop.example/maintenance-mode?'

function hintOf(status: number): string {
  if (status === 401 || status === 403 || status === 407) {
    return 'It is not maintenance-mode that says so, but something in front of it: let it pass what is below that address.'
  }
  return status >= 500 ? 'The site, or something in front of it, has a fault.' : mounted
}

/** A class of its own where there is one; the code of a later version as it is. */
function errorOf(code: string, message: string): MaintenanceError {
  const Class = classes[code]
  return Class ? new Class(message) : new MaintenanceError(code as MaintenanceErrorCode, message)
}

function problemOf({ headers, text }: WebAnswer): v.InferOutput<typeof problemSchema> | undefined {
  if (!headers.get('content-type')?.startsWith('application/problem+json')) return undefined
  try {
    const result = v.safeParse(problemSchema, JSON.parse(text))
    return result.success ? result.output : undefined
  } catch {
    return undefined
  }
}

/** Without what may be secret in it, and as it is to be given. */
function targetOf(target: string, url: string): string {
  if (!URL.canParse(target, `${url}/`)) return 'an address that cannot be read'
  const { origin, pathname } = new URL(target, `${url}/`)
  return origin + pathname.replace(/\/(state|fleet)\/?$/, '')
}
