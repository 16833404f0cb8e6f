import type { StateStore } from '../backends/store.js'
import type { Clock, Timer } from '../clock.js'
import type { LocalCopy } from '../platform/platform.js'
import type { StateDocument } from '../state/window.js'
import type { Reporter } from '../telemetry/warnings.js'

/** What outlives this process, so that a start while the backend is down does not forget that the site is closed. */
export interface LastKnown {
  /** The state that this machine knew last; `undefined` where none was kept. */
  recall(): StateDocument | undefined
  keep(document: StateDocument): void
  /** Writes what was to be written. */
  close(): Promise<void>
}

/** First every instance of a machine decides by a change, then it is written down. Milliseconds. */
const pause = 250

/** Without a disk nothing is kept. What fails is reported, and breaks nothing. */
export function createLastKnown(
  store: StateStore,
  copy: LocalCopy | undefined,
  { clock, reporter }: { clock: Clock; reporter: Reporter },
): LastKnown {
  const place = copy && `the local copy of the state, ${copy.path}`
  let kept: string | undefined
  let latest: StateDocument | undefined
  let timer: Timer | undefined

  async function write(): Promise<void> {
    timer?.cancel()
    timer = undefined
    if (!latest) return
    const text = JSON.stringify(latest)
    latest = undefined
    await copy?.write(text).catch((error) => reporter.failed(`writing ${place}`, error))
  }

  return {
    recall() {
      try {
        const document = copy?.read()
        return document === undefined ? undefined : store.parseNews({ document, revision: 0 })
      } catch (error) {
        reporter.failed(`reading ${place}`, error)
        return undefined
      }
    },
    keep(document) {
      const version = `${document.id} ${document.revision}`
      if (!copy || version === kept) return
      kept = version
      latest = document
      timer ??= clock.setTimer(() => void write(), pause)
    },
    close: write,
  }
}
