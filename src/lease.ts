import type { Clock, Timer } from './clock.js'
import type { Control, LeaseTerms, ModeChange } from './control.js'
import { hasCode, NotConfirmedError } from './errors.js'
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

/** What holds a window for a running program. */
export interface HeldLease {
  /** Aborted when the window is no longer there. */
  readonly signal: AbortSignal
  /** What opening did; where the fleet is to be waited for, when that is over. Rejects with NotConfirmedError. */
  readonly opened: Promise<ModeChange>
  /** Renews no more, and closes what is held. Can be tried again. */
  close(): Promise<ModeChange>
  /** Renews no more, and leaves it closed until somebody says `off`. Can be tried again. */
  keep(note: string | undefined): Promise<ModeChange>
}

/**
 * Opens a leased window and renews it every third of its time to live. Resolves when it is stored: it is renewed while the
 * fleet is waited for.
 */
export async function holdLease(
  { control, clock, reporter, leaseTtl, renewals }: LeaseOptions,
  terms: Omit<LeaseTerms, 'leaseUntil'>,
): Promise<HeldLease> {
  const { id, scope, holder, by, from } = terms
  const lease = { id, scope, holder }
  const lost = new AbortController()
  const renewing = `renewing the window "${id}"`
  let stopped = false
  let timer: Timer | undefined

  const stop = (): void => {
    stopped = true
    timer?.cancel()
    renewals.delete(stop)
  }

  const schedule = (delay: number): void => {
    if (!stopped) timer = clock.setTimer(() => void renew(), delay)
  }

  const renew = async (): Promise<void> => {
    try {
      const held = await control.renewLease({ ...lease, leaseUntil: clock.now() + leaseTtl })
      reporter.succeeded(renewing)
      if (!held && !stopped) {
        stop()
        lost.abort(new Error(`The window "${id}" is no longer there: somebody else closed it, or it ended.`))
      }
      schedule(leaseTtl / 3)
    } catch (error) {
      // The backend may be what is being worked on: try again, the lease outlives several failures.
      reporter.failed(renewing, error)
      schedule(leaseTtl / 12)
    }
  }

  let onStored = (): void => {}
  const stored = new Promise<void>((resolve) => {
    onStored = resolve
  })
  const opened = control.openLease({ ...terms, leaseUntil: clock.now() + leaseTtl }, onStored)
  await Promise.race([stored, opened])
  renewals.add(stop)
  schedule(leaseTtl / 3)
  return {
    signal: lost.signal,
    opened,
    close() {
      stop()
      return control.closeLease(lease, { by, from })
    },
    keep(note) {
      stop()
      return control.keepLease(lease, { by, from, note })
    },
  }
}

/** A lease as programs hold it. Resolves when the fleet has confirmed it, where that was to be waited for. */
export async function holdWindow(options: LeaseOptions, terms: Omit<LeaseTerms, 'leaseUntil'>): Promise<HeldWindow> {
  const { id, onLapse } = terms
  const { signal, opened, close } = await holdLease(options, terms)
  const failed = (error: unknown): void => options.reporter.failed(`closing the window "${id}"`, error)
  try {
    await opened
  } catch (error) {
    await close().catch(failed)
    if (!hasCode(error, 'ERR_MAINTENANCE_NOT_CONFIRMED')) throw error
    const { change, fleet } = error as NotConfirmedError
    throw new NotConfirmedError(`${fleet.problem} The window "${id}" was closed again.`, change, fleet)
  }

  let closing: Promise<void> | undefined
  const closeOnce = (): Promise<void> => {
    closing ??= closed()
    return closing
  }
  const closed = async (): Promise<void> => {
    if (signal.aborted) return
    try {
      await close()
    } catch (error) {
      if (onLapse === 'keep') {
        closing = undefined
        throw error
      }
      // The work is done: its result counts, and the lease reopens the site by itself.
      failed(error)
    }
  }
  return { id, signal, close: closeOnce, [Symbol.asyncDispose]: closeOnce }
}
