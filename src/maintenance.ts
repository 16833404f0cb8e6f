import { platform } from '#platform'
import type { StateBackend } from './backends/backend.js'
import { openBackend } from './backends/open.js'
import { createStateStore } from './backends/store.js'
import { createCallbackRunner } from './callback.js'
import { type Clock, kept, systemClock } from './clock.js'
import type { Control, ModeChange } from './control.js'
import type { Decision } from './decision/decision.js'
import { createEngine, isMaintenance, registerEngine } from './engine.js'
import { createAnnouncer } from './fleet/announcer.js'
import { describeInstance } from './fleet/description.js'
import type { HeldWindow } from './lease.js'
import type { ModeOptions } from './mode-options.js'
import type { LocalCopy } from './platform/platform.js'
import { type PlainRequest, toAdaptedRequest } from './request/plain-request.js'
import type { MaintenanceOptions, Settings } from './settings/options.js'
import { resolveSettings } from './settings/resolve.js'
import { compileScopeCheck, isDefined } from './settings/scope-names.js'
import { createLastKnown } from './snapshot/last-known.js'
import { createRefresher, type Refresher } from './snapshot/refresher.js'
import { modeIn, type Snapshot, settledSnapshot } from './snapshot/snapshot.js'
import { announcementsAt } from './state/announcement.js'
import { type Mode, wholeSite } from './state/window.js'
import { describeStatus, type MaintenanceStatus } from './status.js'
import { warnOfSettings } from './telemetry/start-warnings.js'
import { createReporter } from './telemetry/warnings.js'

/** What a program says of the window it opens. */
export interface HeldWindowOptions extends Omit<ModeOptions, 'start' | 'all' | 'ramp'> {
  /** Default: `on`. `off` suspends what was opened by hand, planned, or by this program. */
  mode?: Mode | boolean | undefined
  /** What happens when this program dies: `reopen` (default), or `keep` it closed until somebody says `off`. */
  onLapse?: 'reopen' | 'keep' | undefined
}

/** Maintenance mode for one app. */
export interface Maintenance {
  /** Waits for the first reading of the state, at most `firstReadTimeout`. Never rejects: a failure is in the status. */
  ready(): Promise<MaintenanceStatus>
  /** The effective mode: waits for the first reading, then takes what this instance knows. */
  getMode(scope?: string): Promise<Mode>
  /** Whether the mode is not `off`. */
  isActive(scope?: string): Promise<boolean>
  /**
   * Switches the mode: opens, updates or closes a window by hand.
   *
   * @throws PinnedModeError when the setting `mode` decides, TimeError for times that make no sense;
   * NotConfirmedError when it was to wait for the fleet, which has not confirmed the change in time: the change stands
   */
  setMode(mode: Mode | boolean, options?: ModeOptions): Promise<ModeChange>
  /**
   * Runs `work` with the mode set, in a window of its own that ends with it, whatever else is going on.
   *
   * @example await maintenance.during('on', () => migrate())
   */
  during<Result>(mode: Mode | boolean, work: (window: HeldWindow) => Result | Promise<Result>): Promise<Result>
  /**
   * Opens a window that this program holds until it closes it. In TypeScript: `await using window = …`.
   *
   * @throws MaintenanceError when the `id` is that of a window that is there already; PinnedModeError, TimeError;
   * NotConfirmedError when it was to wait for the fleet, which has not confirmed it in time: the window is closed again
   */
  openWindow(options?: HeldWindowOptions): Promise<HeldWindow>
  closeWindow(id: string, options?: Pick<ModeOptions, 'scope' | 'by' | 'from'>): Promise<ModeChange>
  /** What this instance knows now. */
  status(): MaintenanceStatus
  /** Calls `listener` whenever the mode, what is told of it, or the snapshot's own status changes. */
  subscribe(listener: (status: MaintenanceStatus) => void): () => void
  /** What would be done with a request. */
  decide(request: Request | PlainRequest): Promise<Decision>
  /**
   * Resolves if something may be written now: the mode is `off`, that of the whole site, or of the scope that is named.
   * For a request, that request would be let through if it wrote something: exempt people may write.
   *
   * @throws NotWritableError in every mode but `off`, with the `statusCode` and `headers` of a refusal; MaintenanceError
   * for a scope that there is not
   */
  assertWritable(target?: string | Request | PlainRequest): Promise<void>
  /** Begins to watch the state, and announces this instance to the fleet. Adapters call it. */
  start(): void
  /** Reads the state now. */
  refresh(): Promise<MaintenanceStatus>
  /**
   * Says good-bye to the fleet, which takes a second at most, and ends every timer, watcher and connection of this object.
   * Windows that it holds are renewed no more; requests that wait are refused.
   */
  close(): Promise<void>
}

/** For tests: what else a maintenance object can be made of. */
export interface MaintenanceSurroundings {
  clock?: Clock
  environment?: Readonly<Record<string, string | undefined>>
}

/** Adapters take a maintenance object, or the options of one. */
export function toMaintenance(given: Maintenance | MaintenanceOptions = {}): Maintenance {
  return isMaintenance(given) ? given : createMaintenance(given)
}

/**
 * Checks the settings and makes the object that everything else takes. Starts nothing: no file is read, no connection made.
 *
 * @throws SettingError that names the setting and says what to write
 */
export function createMaintenance(
  options: MaintenanceOptions = {},
  surroundings: MaintenanceSurroundings = {},
): Maintenance {
  const { clock = systemClock, environment = platform.environment() } = surroundings
  const { settings, unknownVariables } = resolveSettings(options, environment)
  const reporter = createReporter(settings.logger, settings.silence)
  const run = createCallbackRunner(clock, reporter)
  const backend = openBackend(settings)
  const hosting = platform.hosting(environment)
  const timers = hosting?.timers ?? true
  warnOfSettings({ settings, unknownVariables, inCode: options.stateBackend, backend, hosting, reporter })

  const store = createStateStore(backend, clock)
  const events = platform.events(() => maintenance)
  const listeners = new Set<(status: MaintenanceStatus) => void>()
  const pin = settings.mode === undefined ? undefined : settledSnapshot('pinned', settings.mode)

  const refresher: Refresher = createRefresher({
    store,
    clock,
    reporter,
    lastKnown: createLastKnown(store, localCopyOf(settings, backend), { clock, reporter }),
    timers,
    pollInterval: settings.pollInterval,
    maxAge: settings.maxAge,
    firstReadTimeout: settings.firstReadTimeout,
    fallback: settings.stateBackendFallbackValue,
    onChange() {
      engine.update()
      announcer?.announce()
      for (const listener of listeners) tell(listener)
    },
    onApplied: () => announcer?.announce(),
    onLook(known) {
      events?.look(known, clock.now())
      engine.announcement = known.document && announcementsAt(known.document, known.modes, clock.now())[0]
      notifier?.look(known)
    },
  })
  const tell = async (listener: (status: MaintenanceStatus) => unknown): Promise<void> => {
    try {
      await listener(status(refresher.current))
    } catch (error) {
      reporter.failed('a subscriber', error)
    }
  }
  const snapshot = (): Snapshot => pin ?? (timers ? refresher.current : refresher.look())
  const first = async (): Promise<Snapshot> => {
    if (pin) return pin
    refresher.start()
    return kept(clock, refresher.first())
  }
  const engine = createEngine({
    settings,
    run,
    clock,
    reporter,
    events,
    snapshot,
    first,
    reading: () => refresher.reading,
    awaited: () => refresher.awaited,
    state: {
      store,
      known: () => snapshot().document,
      adopt(document) {
        if (!pin) refresher.adopt(document)
      },
    },
    timers,
    testRunner: platform.testRunner(),
    onDrain: () => announcer?.announce(),
  })

  // Made when it is first needed: at the edge nothing random can be had while modules are loaded.
  let instance = settings.instanceId
  const holder = (): string => {
    instance ??= `${platform.host()}:${platform.process()}:${crypto.randomUUID().slice(0, 8)}`
    return instance
  }
  const describe = describeInstance({ settings, id: holder, snapshot, inFlight: engine.drain.report })
  const { address, presence } = backend
  // Without timers nothing could keep true what was said.
  const announcer = presence && timers ? createAnnouncer({ presence, address, clock, reporter, describe }) : undefined
  const assertScope = compileScopeCheck(settings)
  const { notify: targets, siteUrl: site } = settings
  const notifier =
    targets.length > 0 && timers && backend.capabilities.writable
      ? platform.notifier({ targets, site, instance: holder, store, clock, reporter, adopt: refresher.adopt })
      : undefined
  let loading: Promise<Control> | undefined
  /** Loaded with the first change, and by a server at its start: a request needs none of it. */
  const control = (): Promise<Control> => {
    loading ??= import('./control.js').then(({ createControl }) =>
      createControl({
        store,
        clock,
        assertScope,
        timezone: settings.timezone,
        pinned: settings.mode,
        pollInterval: settings.pollInterval,
        drainTimeout: settings.drainTimeout,
        actor: { by: 'code', from: `code@${platform.host()}` },
        // What was not written by us is no news of ours: an absent state for one.
        onWrite: (document) => (document.revision > 0 ? refresher.adopt(document) : refresher.refresh()),
      }),
    )
    return loading
  }

  const status = (told: Snapshot = snapshot()): MaintenanceStatus =>
    describeStatus(told, {
      pinned: pin !== undefined,
      stateBackend: backend.address,
      held: engine.held.count,
      isDefined: (scope) => isDefined(assertScope, scope),
    })

  const openWindow = async (options: HeldWindowOptions = {}): Promise<HeldWindow> => {
    const { mode = 'on', onLapse = 'reopen', id = `lease-${crypto.randomUUID().slice(0, 8)}`, ...terms } = options
    const { holdWindow } = await import('./lease.js')
    const lease = { control: await control(), clock, reporter, leaseTtl: settings.leaseTtl, renewals: engine.endings }
    return holdWindow(lease, { ...terms, mode, onLapse, id, holder: holder() })
  }

  let started = false
  const maintenance: Maintenance = {
    async ready() {
      await first()
      return status()
    },
    async getMode(scope = wholeSite) {
      assertScope(scope)
      await first()
      return modeIn(snapshot(), scope)
    },
    async isActive(scope) {
      return (await maintenance.getMode(scope)) !== 'off'
    },
    setMode: async (mode, options) => (await control()).setMode(mode, options),
    async during(mode, work) {
      const window = await openWindow({ mode })
      try {
        return await work(window)
      } finally {
        await window.close()
      }
    },
    openWindow,
    closeWindow: async (id, options) => (await control()).closeWindow(id, options),
    status: () => status(),
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    async decide(request) {
      await first()
      return engine.decide(toAdaptedRequest(request, engine.clientAddress))
    },
    async assertWritable(target = wholeSite) {
      if (typeof target === 'string') assertScope(target)
      await first()
      const { refuseWrite } = await import('./writable.js')
      await refuseWrite(target, engine, snapshot())
    },
    start() {
      // Where nothing tells that an app starts, every request that is judged does.
      if (started) return
      started = true
      if (!pin) refresher.start()
      announcer?.start()
      // While its files are those that it was started with: a deploy may replace them.
      if (!timers) return
      const loaded = Promise.all([control(), import('./lease.js'), import('./writable.js')])
      loaded.catch((error) => reporter.failed('loading what changes the state', error))
    },
    async refresh() {
      if (!pin) await kept(clock, refresher.refresh())
      return status()
    },
    async close() {
      engine.held.close()
      engine.drain.stop()
      for (const end of engine.endings) end()
      notifier?.stop()
      await announcer?.stop()
      await refresher.close()
      await backend.close?.()
    },
  }
  registerEngine(maintenance, engine)
  return maintenance
}

/** Where the last known state outlives this process. A file is there after a restart; what a memory held is gone on purpose. */
function localCopyOf(
  { localCopyPath, stateBackend }: Settings,
  { address, absentMeansOff }: StateBackend,
): LocalCopy | undefined {
  if (localCopyPath === false || absentMeansOff) return undefined
  const folder = localCopyPath === undefined ? undefined : platform.resolvePath(localCopyPath)
  // An address does not say all that tells two states apart: `custom:` of one app is not that of another.
  const name = typeof stateBackend === 'string' ? stateBackend : `${address} of ${platform.resolvePath('.')}`
  return platform.localCopy(folder, name)
}
