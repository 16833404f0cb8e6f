import type { StateDocument, Window } from '../../src/state/window.js'

/** The instant the tests call minute 0, in milliseconds. */
export const zero: number = Date.parse('2026-03-01T12:00:00Z')

export function minute(count: number): number {
  return zero + count * 60_000
}

/** So many minutes after `zero`, as stored. */
export function at(count: number): string {
  return new Date(minute(count)).toISOString()
}

export function windowOf(part: Partial<Window> = {}): Window {
  return { id: 'manual', origin: 'manual', mode: 'on', scope: '*', start: at(0), by: 'ann', from: 'cli@desk', ...part }
}

export function leaseOf(holder: string, part: Partial<Window> = {}): Window {
  return windowOf({ id: `lease-${holder}`, origin: 'leased', holder, leaseUntil: at(60), onLapse: 'reopen', ...part })
}

export function documentOf(...windows: Window[]): StateDocument {
  return { format: 1, id: 'one', key: '', revision: 1, windows, passes: [], tokens: [], history: [] }
}
