import type { Kind } from './kinds.js'
import * as kinds from './kinds.js'

/** One setting: from here come the option, the environment variable, the check and its message, and the docs. */
export interface SettingDefinition {
  readonly name: string
  readonly kind: Kind
  /** As an operator would write it. */
  readonly default: unknown
  /** How the default is told where the value itself says little. */
  readonly defaultText?: string
  /** What it means: one or two sentences. */
  readonly doc: string
  readonly group:
    | 'state'
    | 'parts of the site'
    | 'who gets through'
    | 'the answer'
    | 'held and running requests'
    | 'the rest'
}

const user = 'MaintenanceUser | null | undefined'

export const settingsTable: readonly SettingDefinition[] = [
  {
    name: 'mode',
    group: 'state',
    kind: kinds.mode,
    default: undefined,
    doc: 'Pins the mode: it beats the stored state, and changing the state through this process fails. Its variable is `MAINTENANCE_MODE` itself.',
  },
  {
    name: 'stateBackend',
    group: 'state',
    kind: kinds.stateBackend,
    default: undefined,
    defaultText: 'a file, see `stateFilePath`',
    doc: 'Where the state is kept: a backend object, or a URL: `file:…`, `memory:`, `redis://…`, `postgres://…`, `mysql://…`, `sqlite:path`, `nats://…`, `s3://bucket/key`, `upstash://…`, `https://…`. `?key=shop` names the state where several apps share an engine.',
  },
  {
    name: 'stateBackendFallbackValue',
    group: 'state',
    kind: kinds.requiredMode,
    default: false,
    doc: 'The mode while the state has never been read. It is reported loudly.',
  },
  {
    name: 'stateFilePath',
    group: 'state',
    kind: kinds.requiredText,
    default: '.maintenance-mode.json',
    doc: 'The file of the file backend. A relative path counts from the folder of the nearest package.json, upward from the working directory.',
  },
  {
    name: 'pollInterval',
    group: 'state',
    kind: kinds.duration,
    default: '5s',
    doc: 'How often the state is read besides being watched: the longest that a change can stay unseen where watching does not work.',
  },
  {
    name: 'firstReadTimeout',
    group: 'state',
    kind: kinds.duration,
    default: '1s',
    doc: 'How long a request may wait for the very first reading of the state.',
  },
  {
    name: 'maxAge',
    group: 'state',
    kind: kinds.duration,
    default: '10s',
    doc: 'Where no timers run between requests (functions, edge): how old the state may be before a request has it read again. The request itself goes on with what is known.',
  },
  {
    name: 'localCopyPath',
    group: 'state',
    kind: kinds.pathOrNone,
    default: undefined,
    defaultText: 'a folder of this user in the folder for temporary files',
    doc: 'The folder in which the last known state is kept for a restart while the backend is down; `false` for none. It must belong to this user, and nobody else may write to it. The file backend needs none.',
  },
  {
    name: 'instanceId',
    group: 'state',
    kind: kinds.instanceId,
    default: undefined,
    defaultText: 'made of host and process',
    doc: 'The name of this instance in `fleet`. It must be another one in every process.',
  },
  {
    name: 'leaseTtl',
    group: 'state',
    kind: kinds.duration,
    default: '60s',
    doc: 'After how long the window of a program that died lapses. A living one renews it every third of this.',
  },
  {
    name: 'scopes',
    group: 'parts of the site',
    kind: kinds.scopes,
    default: {},
    doc: 'The parts of the site that can be closed by themselves, by name: `urls` are written like `ignoreUrls`, `hosts` are names such as `pay.example.com` or `*.pay.example.com`; a request that one of either covers belongs to the part. It can belong to several.',
  },
  {
    name: 'tenants',
    group: 'parts of the site',
    kind: kinds.tenants,
    default: undefined,
    doc: 'The tenants that can be closed by themselves: `of(request)` gives the name of the tenant of a request, or `undefined`; `has(name)` tells whether there is one of that name. Both answer at once, and are asked only while a window is about a part of the site.',
  },
  {
    name: 'ignoreAdminSite',
    group: 'who gets through',
    kind: kinds.boolean,
    default: false,
    doc: "The paths of the site's own admin, `adminSiteUrls`, are open.",
  },
  {
    name: 'adminSiteUrls',
    group: 'who gets through',
    kind: kinds.patterns,
    default: ['/admin/**'],
    doc: 'What `ignoreAdminSite` opens.',
  },
  {
    name: 'ignoreAnonymousUser',
    group: 'who gets through',
    kind: kinds.boolean,
    default: false,
    doc: 'Visitors who are not signed in are let through.',
  },
  {
    name: 'ignoreAuthenticatedUser',
    group: 'who gets through',
    kind: kinds.boolean,
    default: false,
    doc: 'Visitors who are signed in are let through.',
  },
  {
    name: 'ignoreStaff',
    group: 'who gets through',
    kind: kinds.boolean,
    default: false,
    doc: 'Users with `isStaff` are let through.',
  },
  {
    name: 'ignoreSuperuser',
    group: 'who gets through',
    kind: kinds.boolean,
    default: false,
    doc: 'Users with `isSuperuser` are let through.',
  },
  {
    name: 'getAuthenticatedUser',
    group: 'who gets through',
    kind: kinds.callback(`(request: MaintenanceRequest) => ${user} | Promise<${user}>`),
    default: undefined,
    defaultText: "the framework's own user",
    doc: 'Who is asking: a user, `null` for nobody, `undefined` to ask the framework. Waited for at most 1 s; asked only if a user rule or a log-out is set. Needed for user rules in the outermost place.',
  },
  {
    name: 'logoutAuthenticatedUser',
    group: 'who gets through',
    kind: kinds.boolean,
    default: false,
    doc: 'Users who are not let through are logged out, and judged again as anonymous.',
  },
  {
    name: 'logoutStaffUser',
    group: 'who gets through',
    kind: kinds.booleanOrInherit,
    default: undefined,
    defaultText: 'as `logoutAuthenticatedUser`',
    doc: 'The same for users with `isStaff`.',
  },
  {
    name: 'logoutSuperuser',
    group: 'who gets through',
    kind: kinds.booleanOrInherit,
    default: undefined,
    defaultText: 'as `logoutAuthenticatedUser`',
    doc: 'The same for users with `isSuperuser`.',
  },
  {
    name: 'ignoreIpAddresses',
    group: 'who gets through',
    kind: kinds.patterns,
    default: [],
    doc: 'Addresses and CIDR ranges (IPv4, IPv6) that are let through; a RegExp, or a string starting with `^`, must match the whole address. A plain address matches itself only.',
  },
  {
    name: 'getClientIpAddress',
    group: 'who gets through',
    kind: kinds.callback('(request: MaintenanceRequest) => string | undefined'),
    default: undefined,
    defaultText: "the framework's own verdict",
    doc: "The client's address, where neither the framework nor `trustProxy` can tell it.",
  },
  {
    name: 'trustProxy',
    group: 'who gets through',
    kind: kinds.trustProxy,
    default: false,
    doc: 'Which proxies in front are believed about the client: how many there are, or a list of their addresses, ranges and the names `loopback`, `linklocal`, `uniquelocal`. Without it no forwarded header is believed.',
  },
  {
    name: 'ignoreUrls',
    group: 'who gets through',
    kind: kinds.patterns,
    default: [],
    doc: 'Paths that stay open: exact (`/status`), a glob (`/api/**`), a RegExp or a string starting with `^` (matched from the start of the path). A method and a host may stand before it: `POST api.example.com/webhooks/**`.',
  },
  {
    name: 'ignoreRequest',
    group: 'who gets through',
    kind: kinds.callback('(request: MaintenanceRequest) => boolean | undefined | Promise<boolean | undefined>'),
    default: undefined,
    doc: 'A predicate of your own: `true` lets the request through. Waited for at most 1 s.',
  },
  {
    name: 'ignoreTests',
    group: 'who gets through',
    kind: kinds.boolean,
    default: false,
    doc: 'Everything is open while a test runner runs: node:test, vitest, jest, mocha, playwright.',
  },
  {
    name: 'healthUrls',
    group: 'who gets through',
    kind: kinds.patterns,
    default: ['/healthz', '/livez', '/readyz', '/health', '/up'],
    doc: 'GET and HEAD of these reach the app in every mode, so that an orchestrator does not restart what is in maintenance.',
  },
  {
    name: 'loginUrls',
    group: 'who gets through',
    kind: kinds.patterns,
    default: [],
    doc: 'The way in for those whom a user rule lets through: the log-in page, what it needs, and its second factor.',
  },
  {
    name: 'writableUrls',
    group: 'who gets through',
    kind: kinds.patterns,
    default: [],
    doc: 'What may be written to in the mode `read-only`: log-in and log-out, or an endpoint that judges each operation by itself. Written like `ignoreUrls`.',
  },
  {
    name: 'writingUrls',
    group: 'who gets through',
    kind: kinds.patterns,
    default: [],
    doc: 'GETs that write, so that the mode `read-only` refuses them: `/cart/add`, an unsubscribe link. Written like `ignoreUrls`.',
  },
  {
    name: 'routes',
    group: 'who gets through',
    kind: kinds.routes,
    default: {},
    doc: "Forces paths `'off'` (always open) or `'on'` (always closed) where no router has run yet. Keys are written like `ignoreUrls`.",
  },
  {
    name: 'redirectUrl',
    group: 'the answer',
    kind: kinds.redirectUrl,
    default: undefined,
    doc: 'GET and HEAD of HTML clients are redirected there (302) instead of being answered. Exactly this address is open; all others get the 503.',
  },
  {
    name: 'siteUrl',
    group: 'the answer',
    kind: kinds.siteUrl,
    default: undefined,
    doc: "The site's own address. Needed only behind a proxy that changes the Host header, to know an absolute `redirectUrl` as one's own.",
  },
  {
    name: 'responseType',
    group: 'the answer',
    kind: kinds.responseType,
    default: 'auto',
    doc: '`auto` negotiates, `html` and `json` always answer so, and a function chooses for each request.',
  },
  {
    name: 'template',
    group: 'the answer',
    kind: kinds.template,
    default: undefined,
    defaultText: 'the built-in page',
    doc: 'The page: an HTML template file or its text (Liquid), or a function that renders. Relative paths count as in `stateFilePath`.',
  },
  {
    name: 'getContext',
    group: 'the answer',
    kind: kinds.callback(
      '(request: MaintenanceRequest) => Readonly<Record<string, unknown>> | Promise<Readonly<Record<string, unknown>>>',
    ),
    default: undefined,
    doc: 'Extra values for the template and the JSON body. Waited for at most 1 s.',
  },
  {
    name: 'statusCode',
    group: 'the answer',
    kind: kinds.statusCode,
    default: 503,
    doc: 'The status of a refusal.',
  },
  {
    name: 'readOnlyStatusCode',
    group: 'the answer',
    kind: kinds.statusCode,
    default: 503,
    doc: 'The status of what the mode `read-only` refuses.',
  },
  {
    name: 'retryAfter',
    group: 'the answer',
    kind: kinds.durationOrNone,
    default: '1h',
    doc: 'Retry-After where no end is known; `false` or 0 for none. A known end goes before it.',
  },
  {
    name: 'reply',
    group: 'the answer',
    kind: kinds.callback(
      '(decision: Decision, request: MaintenanceRequest, reply: Reply) => Reply | undefined | Promise<Reply | undefined>',
    ),
    default: undefined,
    doc: 'The last word on any refusal: change the reply, or return another one.',
  },
  {
    name: 'holdTimeout',
    group: 'held and running requests',
    kind: kinds.duration,
    default: '30s',
    doc: 'How long a request waits in the mode `hold` before it is refused.',
  },
  {
    name: 'holdLimit',
    group: 'held and running requests',
    kind: kinds.count,
    default: 1000,
    doc: 'How many requests an instance lets wait at once in the mode `hold`; more are refused.',
  },
  {
    name: 'drainTimeout',
    group: 'held and running requests',
    kind: kinds.duration,
    default: '60s',
    doc: 'How long the requests that had been let in are waited for once the site is closed.',
  },
  {
    name: 'drainStreams',
    group: 'held and running requests',
    kind: kinds.drainStreams,
    default: 'leave',
    doc: "What becomes of visitors' endless streams, such as server-sent events, after `drainTimeout`: `leave` lets them go on, `end` ends them.",
  },
  {
    name: 'controlUrl',
    group: 'the rest',
    kind: kinds.path,
    default: '/maintenance-mode',
    doc: 'Where `maintenanceControls` answers. Its paths are open in every mode.',
  },
  {
    name: 'adminToken',
    group: 'the rest',
    kind: kinds.secret,
    default: undefined,
    doc: 'A bearer token for the control URLs, where an app has no superusers. `token create` makes others, with a name and an end.',
  },
  {
    name: 'timezone',
    group: 'the rest',
    kind: kinds.timezone,
    default: undefined,
    defaultText: "the process's own",
    doc: 'The time zone in which times without one are read.',
  },
  {
    name: 'logger',
    group: 'the rest',
    kind: kinds.logger,
    default: undefined,
    defaultText: '`console`',
    doc: 'Where warnings and failures are reported.',
  },
  {
    name: 'silence',
    group: 'the rest',
    kind: kinds.warnings,
    default: [],
    doc: 'Warnings, by name, that are not to be said.',
  },
]
