import type { Decision } from '../decision/decision.js'
import type { Maintenance } from '../maintenance.js'
import type { MaintenanceRequest } from '../request/request.js'
import { closureOf, pendingSnapshot, type Snapshot, type SnapshotStatus } from '../snapshot/snapshot.js'
import { type HistoryEntry, isHistoryEntry, type Mode, wholeSite } from '../state/window.js'

/**
 * What an instance tells on `node:diagnostics_channel`: each event on the channel `maintenance-mode:` and its name, as
 * seen by this instance, and at once. Where nobody listens, nothing is made of it.
 */
export interface MaintenanceEvents {
  /** The mode of a scope, or what is told of it, is another one. */
  mode: {
    readonly scope: string
    readonly mode: Mode
    readonly previous: Mode
    /** Whether visitors are let in again little by little. */
    readonly reopening: boolean
    readonly window: string | undefined
    readonly reason: string | undefined
    readonly since: Date | undefined
    readonly until: Date | undefined
  }
  /**
   * A request was decided about while not everything was open. One that waits in the mode `hold` is told of twice: with the
   * action `hold`, and with what becomes of it, unless its client goes away before. Not told: that a part is open.
   */
  decision: {
    readonly decision: Decision
    readonly request: MaintenanceRequest
    /** For how long it has waited, in milliseconds: of one that was to wait, in the end. */
    readonly held: number | undefined
  }
  /** The state could be read for the first time, or again; or it cannot be read. */
  snapshot: {
    readonly snapshot: SnapshotStatus
    readonly previous: SnapshotStatus
    readonly error: string | undefined
  }
  /** Another revision is decided by. */
  revision: {
    readonly document: string
    readonly revision: number
    /** How long ago its latest change was made, in milliseconds; `undefined` where nobody made one. */
    readonly delay: number | undefined
  }
  /** A new line of the history, for whoever keeps it longer than the state does. */
  history: { readonly entry: HistoryEntry }
}

export type MaintenanceEventName = keyof MaintenanceEvents

/** An event, and whose it is, where a process has several. */
export type MaintenanceEvent<Name extends MaintenanceEventName> = MaintenanceEvents[Name] & {
  readonly maintenance: Maintenance
}

/** A channel of `node:diagnostics_channel`. */
export interface Channel {
  readonly hasSubscribers: boolean
  publish(message: unknown): void
}

/** The events of one maintenance object. */
export interface Events {
  /** Looks at what is known now, and tells what differs from the last time. */
  look(snapshot: Snapshot, now: number): void
  decided(decision: Decision, request: MaintenanceRequest, held: number | undefined): void
}

const names = ['mode', 'decision', 'snapshot', 'revision', 'history'] as const

/** The name of an event's channel. */
export function channelName(name: MaintenanceEventName): string {
  return `maintenance-mode:${name}`
}

export function createEvents(channelOf: (name: string) => Channel, maintenance: () => Maintenance): Events {
  const channels = {} as Record<MaintenanceEventName, Channel>
  for (const name of names) channels[name] = channelOf(channelName(name))
  let last = pendingSnapshot

  const tell = <Name extends MaintenanceEventName>(name: Name, event: MaintenanceEvents[Name]): void => {
    if (channels[name].hasSubscribers) channels[name].publish({ ...event, maintenance: maintenance() })
  }

  const tellModes = (next: Snapshot, previous: Snapshot): void => {
    for (const scope of new Set([wholeSite, ...next.closures.scopes.keys(), ...previous.closures.scopes.keys()])) {
      const [closure, before] = [closureOf(next, scope), closureOf(previous, scope)]
      if (closure === before) continue
      const { mode = 'off', window, reason, since, until, ramps } = closure ?? {}
      const told = { scope, mode, previous: before?.mode ?? 'off', reopening: ramps !== undefined }
      tell('mode', { ...told, window, reason, since, until })
    }
  }

  return {
    look(next, now) {
      const previous = last
      last = next
      if (next === previous || !names.some((name) => channels[name].hasSubscribers)) return
      if (next.closures !== previous.closures) tellModes(next, previous)
      if (next.status !== previous.status) {
        tell('snapshot', { snapshot: next.status, previous: previous.status, error: next.error })
      }
      const { document } = next
      const { document: before } = previous
      if (!document || (document.id === before?.id && document.revision === before.revision)) return
      const entries = newEntries(next, previous)
      const made = entries.filter(({ by }) => by !== 'clock').at(-1)
      const delay = made && Math.max(now - Date.parse(made.at), 0)
      tell('revision', { document: document.id, revision: document.revision, delay })
      for (const entry of entries) tell('history', { entry })
    },
    decided(decision, request, held) {
      if (channels.decision.hasSubscribers) tell('decision', { decision, request, held })
    },
  }
}

/**
 * What has been added since. What stood there when this instance came is no news; of a state that has replaced the one it
 * knew, everything is.
 */
function newEntries({ document }: Snapshot, { document: before, status }: Snapshot): HistoryEntry[] {
  if (!document || (!before && (status === 'pending' || status === 'failed'))) return []
  const latest = JSON.stringify(before?.history.at(-1))
  const known = document.history.findLastIndex((entry) => JSON.stringify(entry) === latest)
  return document.history.slice(known + 1).filter(isHistoryEntry)
}
