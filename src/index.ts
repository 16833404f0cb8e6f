export type {
  BackendCapabilities,
  Presence,
  PresenceRecord,
  PresenceSighting,
  StateBackend,
  StoredState,
  WriteCondition,
  WriteReport,
} from './backends/backend.js'
export type { Clock, Timer } from './clock.js'
export type { ModeChange } from './control.js'
export type { Decision, RuleName } from './decision/decision.js'
export type { ScopeDefinition, TenantDefinition } from './decision/scopes.js'
export {
  MaintenanceError,
  type MaintenanceErrorCode,
  NotConfirmedError,
  NotWritableError,
  PinnedModeError,
  SettingError,
  StateBackendError,
  StateConflictError,
  StateDamagedError,
  TimeError,
} from './errors.js'
export type { FleetReport } from './fleet/convergence.js'
export type { InFlight } from './fleet/instance.js'
export type { FleetInstance } from './fleet/judgement.js'
export type { WaitOptions } from './fleet/wait.js'
export type { HeldWindow } from './lease.js'
export {
  createMaintenance,
  type HeldWindowOptions,
  type Maintenance,
  type MaintenanceSurroundings,
} from './maintenance.js'
export type { ModeOptions, Time } from './mode-options.js'
export type { Reply } from './reply/reply.js'
export type { PlainRequest } from './request/plain-request.js'
export type { MaintenanceRequest, MaintenanceUser } from './request/request.js'
export { defineConfig } from './settings/config.js'
export type { MaintenanceOptions } from './settings/options.js'
export type { SnapshotStatus } from './snapshot/snapshot.js'
export type { HistoryEntry, Mode, StateDocument, Window, WindowOrigin } from './state/window.js'
export type { InstanceScopeStatus, MaintenanceStatus } from './status.js'
export type { MaintenanceEvent, MaintenanceEventName, MaintenanceEvents } from './telemetry/events.js'
export type { Notification, NotifyTarget } from './telemetry/notifier.js'
export type { Logger, WarningName } from './telemetry/warnings.js'
export type { Webhook } from './telemetry/webhook.js'
