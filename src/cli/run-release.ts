import type { ModeChange } from '../control.js'
import { messageOf } from '../errors.js'
import type { HeldLease } from '../lease.js'
import { formatDuration } from '../settings/duration.js'
import { endings } from '../state/history.js'
import { type HistoryEntry, isHistoryEntry } from '../state/window.js'
import type { Context } from './context.js'
import type { Release } from './run-text.js'

interface ReleaseOptions {
  context: Context
  id: string
  /** Leaves it closed, with this note. */
  note?: string | undefined
  /** Rejects when nobody wants to wait any longer. */
  stopped: Promise<never>
  warn(message: string): void
}

const firstPause = 500
const longestPause = 5000

/** Lets go of a window. The backend may be what was worked on: it is tried for as long as the lease outlives its holder. */
export async function release(lease: HeldLease, options: ReleaseOptions, keep: boolean): Promise<Release> {
  if (lease.signal.aborted) return { result: 'gone', entry: await lastOf(options) }
  try {
    const change = await tried(() => (keep ? lease.keep(options.note) : lease.close()), options)
    if (keep ? change.window : change.closed.length > 0) return { result: keep ? 'kept' : 'closed', change }
    return { result: 'gone', entry: await lastOf(options) }
  } catch (error) {
    return { result: 'failed', problem: `The window "${options.id}" could not be closed: ${messageOf(error)}` }
  }
}

async function tried(
  work: () => Promise<ModeChange>,
  { context, id, stopped, warn }: ReleaseOptions,
): Promise<ModeChange> {
  const { leaseTtl, now } = context
  const last = now() + leaseTtl
  for (let pause = firstPause; ; pause = Math.min(2 * pause, longestPause)) {
    try {
      return await Promise.race([work(), stopped])
    } catch (error) {
      if (now() >= last) throw error
      if (pause === firstPause) {
        warn(
          `maintenance-mode: the window "${id}" cannot be closed yet: ${messageOf(error)} It is tried for ${formatDuration(leaseTtl)}.`,
        )
      }
    }
    await Promise.race([new Promise((resolve) => setTimeout(resolve, Math.min(pause, last - now()))), stopped])
  }
}

/** How a window ended, for people: where that cannot be told, nothing depends on it. */
async function lastOf({ context, id }: ReleaseOptions): Promise<HistoryEntry | undefined> {
  const document = await context.store.read().catch(() => undefined)
  const all = document ? [...document.history, ...endings(document, context.now())].filter(isHistoryEntry) : []
  return all.findLast(({ window, action }) => window === id && action !== 'open')
}
