import type { StoredState } from '../backends/backend.js'
import type { MaintenanceErrorCode } from '../errors.js'
import { parseDocument } from '../state/document.js'

// What the suites assert with: they run under any test runner, so they bring their own.

/** What has not happened after so many milliseconds never will. */
export const patience = 5000

/** Asked again until it is so. */
export async function eventually(done: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 2 * patience
  for (;;) {
    const failure = await done().then(
      (is) => (is ? undefined : new Error(`not so within ${2 * patience} ms`)),
      (error: Error) => error,
    )
    if (!failure) return
    if (Date.now() > deadline) throw failure
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

export function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message)
}

export function equal(actual: unknown, expected: unknown, message = 'not the expected value'): void {
  check(Object.is(actual, expected), `${message}: ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`)
}

export function deepEqual(actual: unknown, expected: unknown): void {
  equal(JSON.stringify(actual), JSON.stringify(expected))
}

export function isRevision(stored: StoredState | undefined, revision: number): void {
  equal(stored?.revision, revision, 'not the revision that was written')
  equal(parseDocument(stored?.document ?? '').revision, revision, 'not the document that was written')
}

export function isConflict(error: unknown): void {
  equal((error as { code?: unknown }).code, 'ERR_MAINTENANCE_CONFLICT' satisfies MaintenanceErrorCode)
}

export async function rejects(attempt: Promise<unknown>, code: MaintenanceErrorCode): Promise<void> {
  let error: { code?: unknown } | undefined
  try {
    await attempt
  } catch (reason) {
    error = reason as { code?: unknown }
  }
  check(error !== undefined, `the write was done, instead of failing with ${code}`)
  equal(error.code, code, 'the write failed with another error')
}
