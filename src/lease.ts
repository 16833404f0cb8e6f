import type { Clock, Timer } from './clock.js'
import type { Control, LeaseTerms } from './control.js'
import type { Reporter } from './telemetry/warnings.js'

/** A window that this program holds: renewed while it lives, reopened by itself if it dies. */
export interface HeldWindow {
  readonly id: string
  /** Aborted when somebody else has closed the window. */
  readonly signal: AbortSignal
  /** Closes this window, and no other. Called again, it does nothing. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export interface LeaseOptions {
  control: Control
  clock: Clock
  reporter: Reporter
  /** Milliseconds. */
  leaseTtl: number
}

/** Opens a leased window and renews it every third of its time to live. */
export async function holdWindow(
  { control, clock, reporter, leaseTtl }: LeaseOptions,
  terms: Omit<LeaseTerms, 'leaseUntil'>,
): Promise<HeldWindow> {
  const { id, holder } = terms
  const lost = new AbortController()
  const renewing = `renewing the window "${id}"`
  let closing: Promise<void> | undefined
  let timer: Timer | undefined

  const schedule = (): void => {
    timer = clock.setTimer(() => void renew(), leaseTtl / 3)
  }

  const renew = async (): Promise<void> => {
    try {
      const held = await control.renewLease({ id, holder, leaseUntil: clock.now() + leaseTtl })
      reporter.succeeded(renewing)
      if (!held) {
        if (!closing) lost.abort(new Error(`The window "${id}" was closed by somebody else.`))
        return
      }
    } catch (error) {
      // The backend may be what is being worked on: try again, the lease outlives two failures.
      reporter.failed(renewing, error)
    }
    if (!closing) schedule()
  }

  const close = async (): Promise<void> => {
    timer?.cancel()
    if (lost.signal.aborted) return
    try {
      await control.closeWindow(id, { by: terms.by, from: terms.from })
    } catch (error) {
      // The work is done: its result counts, and the lease reopens the site by itself.
      reporter.failed(`closing the window "${id}"`, error)
    }
  }

  await control.openLease({ ...terms, leaseUntil: clock.now() + leaseTtl })
  schedule()
  const closeOnce = (): Promise<void> => {
    closing ??= close()
    return closing
  }
  return { id, signal: lost.signal, close: closeOnce, [Symbol.asyncDispose]: closeOnce }
}
