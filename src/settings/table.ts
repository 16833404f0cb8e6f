import type { Kind } from './kinds.js'
import * as kinds from './kinds.js'

/**
 * One setting: from here come the option, the environment variable, the check and its message. `reference.ts` has what is
 * said of it in the docs, which no app needs to load.
 */
export interface SettingDefinition {
  readonly name: string
  readonly kind: Kind
  /** As an operator would write it. */
  readonly default: unknown
}

const user = 'MaintenanceUser | null | undefined'

const table: readonly (readonly [name: string, kind: Kind, fallback: unknown])[] = [
  ['mode', kinds.mode, undefined],
  ['stateBackend', kinds.stateBackend, undefined],
  ['stateBackendFallbackValue', kinds.requiredMode, false],
  ['stateFilePath', kinds.requiredText, '.maintenance-mode.json'],
  ['pollInterval', kinds.duration, '5s'],
  ['firstReadTimeout', kinds.duration, '1s'],
  ['maxAge', kinds.duration, '10s'],
  ['localCopyPath', kinds.pathOrNone, undefined],
  ['instanceId', kinds.instanceId, undefined],
  ['leaseTtl', kinds.duration, '60s'],
  ['scopes', kinds.scopes, {}],
  ['tenants', kinds.tenants, undefined],
  ['ignoreAdminSite', kinds.boolean, false],
  ['adminSiteUrls', kinds.patterns, ['/admin/**']],
  ['ignoreAnonymousUser', kinds.boolean, false],
  ['ignoreAuthenticatedUser', kinds.boolean, false],
  ['ignoreStaff', kinds.boolean, false],
  ['ignoreSuperuser', kinds.boolean, false],
  ['getAuthenticatedUser', kinds.callback(`(request: MaintenanceRequest) => ${user} | Promise<${user}>`), undefined],
  ['logoutAuthenticatedUser', kinds.boolean, false],
  ['logoutStaffUser', kinds.booleanOrInherit, undefined],
  ['logoutSuperuser', kinds.booleanOrInherit, undefined],
  ['ignoreIpAddresses', kinds.patterns, []],
  ['getClientIpAddress', kinds.callback('(request: MaintenanceRequest) => string | undefined'), undefined],
  ['trustProxy', kinds.trustProxy, false],
  ['ignoreUrls', kinds.patterns, []],
  [
    'ignoreRequest',
    kinds.callback('(request: MaintenanceRequest) => boolean | undefined | Promise<boolean | undefined>'),
    undefined,
  ],
  ['ignoreTests', kinds.boolean, false],
  ['healthUrls', kinds.patterns, ['/healthz', '/livez', '/readyz', '/health', '/up']],
  ['loginUrls', kinds.patterns, []],
  ['writableUrls', kinds.patterns, []],
  ['writingUrls', kinds.patterns, []],
  ['routes', kinds.routes, {}],
  ['redirectUrl', kinds.redirectUrl, undefined],
  ['siteUrl', kinds.siteUrl, undefined],
  ['responseType', kinds.responseType, 'auto'],
  ['template', kinds.template, undefined],
  [
    'getContext',
    kinds.callback(
      '(request: MaintenanceRequest) => Readonly<Record<string, unknown>> | Promise<Readonly<Record<string, unknown>>>',
    ),
    undefined,
  ],
  ['statusCode', kinds.statusCode, 503],
  ['readOnlyStatusCode', kinds.statusCode, 503],
  ['retryAfter', kinds.durationOrNone, '1h'],
  [
    'reply',
    kinds.callback(
      '(decision: Decision, request: MaintenanceRequest, reply: Reply) => Reply | undefined | Promise<Reply | undefined>',
    ),
    undefined,
  ],
  ['holdTimeout', kinds.duration, '30s'],
  ['holdLimit', kinds.count, 1000],
  ['drainTimeout', kinds.duration, '60s'],
  ['drainStreams', kinds.drainStreams, 'leave'],
  ['controlUrl', kinds.path, '/maintenance-mode'],
  ['adminToken', kinds.secret, undefined],
  ['notify', kinds.notify, []],
  ['timezone', kinds.timezone, undefined],
  ['logger', kinds.logger, undefined],
  ['silence', kinds.warnings, []],
]

export const settingsTable: readonly SettingDefinition[] = table.map(([name, kind, fallback]) => ({
  name,
  kind,
  default: fallback,
}))
