import type { Clock, Timer } from './clock.js'
import type { Control, LeaseTerms } from './control.js'
import type { Reporter } from './telemetry/warnings.js'

/** A window that this program holds: renewed while it lives, reopened by itself if it dies. */
export interface HeldWindow {
  readonly id: string
  /** Aborted when the window is no longer there: somebody else has closed it, its end has come, or it has lapsed. */
  readonly signal: AbortSignal
  /** Closes this window, and no other. Called again, it does nothing. Rejects only where no lapse would reopen the site. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export interface LeaseOptions {
  control: Control
  clock: Clock
  reporter: Reporter
  /** Milliseconds. */
  leaseTtl: number
  /** What ends the renewing, for as long as there is any. */
  renewals: Set<() => void>
}

/** Opens a leased window and renews it every third of its time to live. */
export async function holdWindow(
  { control, clock, reporter, leaseTtl, renewals }: LeaseOptions,
  terms: Omit<LeaseTerms, 'leaseUntil'>,
): Promise<HeldWindow> {
  const { id, holder, by, from, onLapse } = terms
  const lost = new AbortController()
  const renewing = `renewing the window "${id}"`
  let closing: Promise<void> | undefined
  let stopped = false
  let timer: Timer | undefined

  const stop = (): void => {
    stopped = true
    timer?.cancel()
    renewals.delete(stop)
  }

  const schedule = (): void => {
    if (!stopped) timer = clock.setTimer(() => void renew(), leaseTtl / 3)
  }

  const renew = async (): Promise<void> => {
    try {
      const held = await control.renewLease({ id, holder, leaseUntil: clock.now() + leaseTtl })
      reporter.succeeded(renewing)
      if (!held && !stopped) {
        stop()
        lost.abort(new Error(`The window "${id}" is no longer there: somebody else closed it, or it ended.`))
      }
    } catch (error) {
      // The backend may be what is being worked on: try again, the lease outlives two failures.
      reporter.failed(renewing, error)
    }
    schedule()
  }

  const close = async (): Promise<void> => {
    stop()
    if (lost.signal.aborted) return
    try {
      await control.closeLease({ id, holder }, { by, from })
    } catch (error) {
      if (onLapse === 'keep') {
        closing = undefined
        throw error
      }
      // The work is done: its result counts, and the lease reopens the site by itself.
      reporter.failed(`closing the window "${id}"`, error)
    }
  }

  await control.openLease({ ...terms, leaseUntil: clock.now() + leaseTtl })
  renewals.add(stop)
  schedule()
  const closeOnce = (): Promise<void> => {
    closing ??= close()
    return closing
  }
  return { id, signal: lost.signal, close: closeOnce, [Symbol.asyncDispose]: closeOnce }
}
