import type { StateStore } from '../backends/store.js'
import type { LocalCopy } from '../platform/platform.js'
import type { StateDocument } from '../state/window.js'
import type { Reporter } from '../telemetry/warnings.js'

/** What outlives this process, so that a start while the backend is down does not forget that the site is closed. */
export interface LastKnown {
  /** The state that this machine knew last; `undefined` where none was kept. */
  recall(): StateDocument | undefined
  keep(document: StateDocument): void
}

/** Without a disk nothing is kept. What fails is reported, and breaks nothing. */
export function createLastKnown(store: StateStore, copy: LocalCopy | undefined, reporter: Reporter): LastKnown {
  const place = copy && `the local copy of the state, ${copy.path}`
  let kept: string | undefined

  return {
    recall() {
      try {
        const document = copy?.read()
        return document === undefined ? undefined : store.parse({ document, revision: 0 })
      } catch (error) {
        reporter.failed(`reading ${place}`, error)
        return undefined
      }
    },
    keep(document) {
      const version = `${document.id} ${document.revision}`
      if (!copy || version === kept) return
      kept = version
      copy.write(JSON.stringify(document)).catch((error) => reporter.failed(`writing ${place}`, error))
    },
  }
}
