// Made from settings/table.ts by scripts/generate-settings.mjs: change the table, not this file.
import type { StateBackend } from '../backends/backend.js'
import type { Decision } from '../decision/decision.js'
import type { ScopeDefinition, TenantDefinition } from '../decision/scopes.js'
import type { Reply } from '../reply/reply.js'
import type { MaintenanceRequest, MaintenanceUser } from '../request/request.js'
import type { Mode } from '../state/window.js'
import type { NotifyTarget } from '../telemetry/notifier.js'
import type { Logger } from '../telemetry/warnings.js'

/** What the operator may write: `createMaintenance(options)` or the config file. */
export interface MaintenanceOptions {
  /** Pins the mode: it beats the stored state, and changing the state through this process fails. Its variable is `MAINTENANCE_MODE` itself. Default: none. */
  mode?: Mode | boolean | undefined

  /** Where the state is kept: a backend object, or a URL: `file:…`, `memory:`, `redis://…`, `postgres://…`, `mysql://…`, `sqlite:path`, `nats://…`, `s3://bucket/key`, `upstash://…`, `https://…`. `?key=shop` names the state where several apps share an engine. Default: a file, see `stateFilePath`. */
  stateBackend?: string | StateBackend | undefined

  /** The mode while the state has never been read. It is reported loudly. Default: `false`. */
  stateBackendFallbackValue?: Mode | boolean | undefined

  /** The file of the file backend. A relative path counts from the folder of the nearest package.json, upward from the working directory. Default: `'.maintenance-mode.json'`. */
  stateFilePath?: string | undefined

  /** How often the state is read besides being watched: the longest that a change can stay unseen where watching does not work. Default: `'5s'`. */
  pollInterval?: string | number | undefined

  /** How long a request may wait for the very first reading of the state. Default: `'1s'`. */
  firstReadTimeout?: string | number | undefined

  /** Where no timers run between requests (functions, edge): how old the state may be before a request has it read again. The request itself goes on with what is known. Default: `'10s'`. */
  maxAge?: string | number | undefined

  /** The folder in which the last known state is kept for a restart while the backend is down; `false` for none. It must belong to this user, and nobody else may write to it. The file backend needs none. Default: a folder of this user in the folder for temporary files. */
  localCopyPath?: string | false | undefined

  /** The name of this instance in `fleet`. It must be another one in every process. Default: made of host and process. */
  instanceId?: string | undefined

  /** After how long the window of a program that died lapses. A living one renews it every third of this. Default: `'60s'`. */
  leaseTtl?: string | number | undefined

  /** The parts of the site that can be closed by themselves, by name: `urls` are written like `ignoreUrls`, `hosts` are names such as `pay.example.com` or `*.pay.example.com`; a request that one of either covers belongs to the part. It can belong to several. Default: `{}`. */
  scopes?: Readonly<Record<string, ScopeDefinition>> | undefined

  /** The tenants that can be closed by themselves: `of(request)` gives the name of the tenant of a request, or `undefined`; `has(name)` tells whether there is one of that name. Both answer at once, and are asked only while a window is about a part of the site. Default: none. */
  tenants?: TenantDefinition | undefined

  /** The paths of the site's own admin, `adminSiteUrls`, are open. Default: `false`. */
  ignoreAdminSite?: boolean | undefined

  /** What `ignoreAdminSite` opens. Default: `["/admin/**"]`. */
  adminSiteUrls?: readonly (string | RegExp)[] | undefined

  /** Visitors who are not signed in are let through. Default: `false`. */
  ignoreAnonymousUser?: boolean | undefined

  /** Visitors who are signed in are let through. Default: `false`. */
  ignoreAuthenticatedUser?: boolean | undefined

  /** Users with `isStaff` are let through. Default: `false`. */
  ignoreStaff?: boolean | undefined

  /** Users with `isSuperuser` are let through. Default: `false`. */
  ignoreSuperuser?: boolean | undefined

  /** Who is asking: a user, `null` for nobody, `undefined` to ask the framework. Waited for at most 1 s; asked only if a user rule or a log-out is set. Needed for user rules in the outermost place. Default: the framework's own user. */
  getAuthenticatedUser?:
    | ((
        request: MaintenanceRequest,
      ) => MaintenanceUser | null | undefined | Promise<MaintenanceUser | null | undefined>)
    | undefined

  /** Users who are not let through are logged out, and judged again as anonymous. Default: `false`. */
  logoutAuthenticatedUser?: boolean | undefined

  /** The same for users with `isStaff`. Default: as `logoutAuthenticatedUser`. */
  logoutStaffUser?: boolean | undefined

  /** The same for users with `isSuperuser`. Default: as `logoutAuthenticatedUser`. */
  logoutSuperuser?: boolean | undefined

  /** Addresses and CIDR ranges (IPv4, IPv6) that are let through; a RegExp, or a string starting with `^`, must match the whole address. A plain address matches itself only. Default: `[]`. */
  ignoreIpAddresses?: readonly (string | RegExp)[] | undefined

  /** The client's address, where neither the framework nor `trustProxy` can tell it. Default: the framework's own verdict. */
  getClientIpAddress?: ((request: MaintenanceRequest) => string | undefined) | undefined

  /** Which proxies in front are believed about the client: how many there are, or a list of their addresses, ranges and the names `loopback`, `linklocal`, `uniquelocal`. Without it no forwarded header is believed. Default: `false`. */
  trustProxy?: number | readonly string[] | false | undefined

  /** Paths that stay open: exact (`/status`), a glob (`/api/**`), a RegExp or a string starting with `^` (matched from the start of the path). A method and a host may stand before it: `POST api.example.com/webhooks/**`. Default: `[]`. */
  ignoreUrls?: readonly (string | RegExp)[] | undefined

  /** A predicate of your own: `true` lets the request through. Waited for at most 1 s. Default: none. */
  ignoreRequest?: ((request: MaintenanceRequest) => boolean | undefined | Promise<boolean | undefined>) | undefined

  /** Everything is open while a test runner runs: node:test, vitest, jest, mocha, playwright. Default: `false`. */
  ignoreTests?: boolean | undefined

  /** GET and HEAD of these reach the app in every mode, so that an orchestrator does not restart what is in maintenance. Default: `["/healthz","/livez","/readyz","/health","/up"]`. */
  healthUrls?: readonly (string | RegExp)[] | undefined

  /** The way in for those whom a user rule lets through: the log-in page, what it needs, and its second factor. Default: `[]`. */
  loginUrls?: readonly (string | RegExp)[] | undefined

  /** What may be written to in the mode `read-only`: log-in and log-out, or an endpoint that judges each operation by itself. Written like `ignoreUrls`. Default: `[]`. */
  writableUrls?: readonly (string | RegExp)[] | undefined

  /** GETs that write, so that the mode `read-only` refuses them: `/cart/add`, an unsubscribe link. Written like `ignoreUrls`. Default: `[]`. */
  writingUrls?: readonly (string | RegExp)[] | undefined

  /** Forces paths `'off'` (always open) or `'on'` (always closed) where no router has run yet. Keys are written like `ignoreUrls`. Default: `{}`. */
  routes?: Readonly<Record<string, 'off' | 'on'>> | undefined

  /** GET and HEAD of HTML clients are redirected there (302) instead of being answered. Exactly this address is open; all others get the 503. Default: none. */
  redirectUrl?: string | undefined

  /** The site's own address. Needed only behind a proxy that changes the Host header, to know an absolute `redirectUrl` as one's own. Default: none. */
  siteUrl?: string | undefined

  /** `auto` negotiates, `html` and `json` always answer so, and a function chooses for each request. Default: `'auto'`. */
  responseType?: ('auto' | 'html' | 'json' | ((request: MaintenanceRequest) => 'auto' | 'html' | 'json')) | undefined

  /** The page: an HTML template file or its text (Liquid), or a function that renders. Relative paths count as in `stateFilePath`. Default: the built-in page. */
  template?: (string | ((context: Readonly<Record<string, unknown>>) => string | Promise<string>)) | undefined

  /** Extra values for the template and the JSON body. Waited for at most 1 s. Default: none. */
  getContext?:
    | ((request: MaintenanceRequest) => Readonly<Record<string, unknown>> | Promise<Readonly<Record<string, unknown>>>)
    | undefined

  /** The status of a refusal. Default: `503`. */
  statusCode?: number | undefined

  /** The status of what the mode `read-only` refuses. Default: `503`. */
  readOnlyStatusCode?: number | undefined

  /** Retry-After where no end is known; `false` or 0 for none. A known end goes before it. Default: `'1h'`. */
  retryAfter?: string | number | false | undefined

  /** The last word on any refusal: change the reply, or return another one. Default: none. */
  reply?:
    | ((
        decision: Decision,
        request: MaintenanceRequest,
        reply: Reply,
      ) => Reply | undefined | Promise<Reply | undefined>)
    | undefined

  /** How long a request waits in the mode `hold` before it is refused. Default: `'30s'`. */
  holdTimeout?: string | number | undefined

  /** How many requests an instance lets wait at once in the mode `hold`; more are refused. Default: `1000`. */
  holdLimit?: number | undefined

  /** How long the requests that had been let in are waited for once the site is closed. Default: `'60s'`. */
  drainTimeout?: string | number | undefined

  /** What becomes of visitors' endless streams, such as server-sent events, after `drainTimeout`: `leave` lets them go on, `end` ends them. Default: `'leave'`. */
  drainStreams?: 'leave' | 'end' | undefined

  /** Where `maintenanceControls` answers. Its paths are open in every mode. Default: `'/maintenance-mode'`. */
  controlUrl?: string | undefined

  /** A bearer token for the control URLs, where an app has no superusers. `token create` makes others, with a name and an end. Default: none. */
  adminToken?: string | undefined

  /** Who is told when the site closes, reopens, is announced to close, or has been closed for four hours without an end: the URL of a webhook, `{ url, secret, headers }`, a function of the notification, or a list of these. Once for all instances. Default: nobody. */
  notify?: string | NotifyTarget | readonly (string | NotifyTarget)[] | undefined

  /** The time zone in which times without one are read. Default: the process's own. */
  timezone?: string | undefined

  /** Where warnings and failures are reported. Default: `console`. */
  logger?: Logger | undefined

  /** Warnings, by name, that are not to be said. Default: `[]`. */
  silence?: readonly string[] | undefined
}

/** The settings once they have been checked. Durations are milliseconds. */
export interface Settings {
  mode: Mode | undefined
  stateBackend: (string | StateBackend) | undefined
  stateBackendFallbackValue: Mode
  stateFilePath: string
  pollInterval: number
  firstReadTimeout: number
  maxAge: number
  localCopyPath: string | false | undefined
  instanceId: string | undefined
  leaseTtl: number
  scopes: Readonly<Record<string, ScopeDefinition>>
  tenants: TenantDefinition | undefined
  ignoreAdminSite: boolean
  adminSiteUrls: readonly (string | RegExp)[]
  ignoreAnonymousUser: boolean
  ignoreAuthenticatedUser: boolean
  ignoreStaff: boolean
  ignoreSuperuser: boolean
  getAuthenticatedUser:
    | ((
        request: MaintenanceRequest,
      ) => MaintenanceUser | null | undefined | Promise<MaintenanceUser | null | undefined>)
    | undefined
  logoutAuthenticatedUser: boolean
  logoutStaffUser: boolean | undefined
  logoutSuperuser: boolean | undefined
  ignoreIpAddresses: readonly (string | RegExp)[]
  getClientIpAddress: ((request: MaintenanceRequest) => string | undefined) | undefined
  trustProxy: number | readonly string[] | false
  ignoreUrls: readonly (string | RegExp)[]
  ignoreRequest: ((request: MaintenanceRequest) => boolean | undefined | Promise<boolean | undefined>) | undefined
  ignoreTests: boolean
  healthUrls: readonly (string | RegExp)[]
  loginUrls: readonly (string | RegExp)[]
  writableUrls: readonly (string | RegExp)[]
  writingUrls: readonly (string | RegExp)[]
  routes: Readonly<Record<string, 'off' | 'on'>>
  redirectUrl: string | undefined
  siteUrl: string | undefined
  responseType: 'auto' | 'html' | 'json' | ((request: MaintenanceRequest) => 'auto' | 'html' | 'json')
  template: (string | ((context: Readonly<Record<string, unknown>>) => string | Promise<string>)) | undefined
  getContext:
    | ((request: MaintenanceRequest) => Readonly<Record<string, unknown>> | Promise<Readonly<Record<string, unknown>>>)
    | undefined
  statusCode: number
  readOnlyStatusCode: number
  retryAfter: number
  reply:
    | ((
        decision: Decision,
        request: MaintenanceRequest,
        reply: Reply,
      ) => Reply | undefined | Promise<Reply | undefined>)
    | undefined
  holdTimeout: number
  holdLimit: number
  drainTimeout: number
  drainStreams: 'leave' | 'end'
  controlUrl: string
  adminToken: string | undefined
  notify: readonly NotifyTarget[]
  timezone: string
  logger: Logger
  silence: readonly string[]
}
