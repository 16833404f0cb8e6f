import { platform } from '#platform'
import type { Settings } from '../settings/options.js'
import { modeIn, type Snapshot } from '../snapshot/snapshot.js'
import { version } from '../version.js'
import type { AnnouncerOptions } from './announcer.js'
import type { InFlight } from './instance.js'
import { hashSettings } from './settings-hash.js'

/** What this instance says of itself whenever it announces itself. */
export function describeInstance(options: {
  settings: Settings
  id(): string
  snapshot(): Snapshot
  inFlight(): InFlight | undefined
}): AnnouncerOptions['describe'] {
  const { settings, id, snapshot, inFlight } = options
  let hash: string | undefined
  return async () => {
    hash ??= await hashSettings(settings)
    const known = snapshot()
    const { document, status } = known
    return {
      id: id(),
      host: platform.host(),
      process: platform.process(),
      version,
      document: document?.id,
      revision: document?.revision,
      snapshot: status,
      mode: modeIn(known),
      pinned: settings.mode !== undefined,
      settings: hash,
      scopes: Object.keys(settings.scopes),
      inFlight: inFlight(),
      tenants: settings.tenants !== undefined,
    }
  }
}
