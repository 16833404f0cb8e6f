/** What is said of a setting of `table.ts` in the docs and beside the option. */
export interface SettingReference {
  readonly group:
    | 'state'
    | 'parts of the site'
    | 'who gets through'
    | 'the answer'
    | 'held and running requests'
    | 'the rest'
  /** How the default is told where the value itself says little. */
  readonly defaultText?: string
  /** What it means: one or two sentences. */
  readonly doc: string
}

export const settingsReference: Readonly<Record<string, SettingReference>> = {
  mode: {
    group: 'state',
    doc: 'Pins the mode: it beats the stored state, and changing the state through this process fails. Its variable is `MAINTENANCE_MODE` itself.',
  },
  stateBackend: {
    group: 'state',
    defaultText: 'a file, see `stateFilePath`',
    doc: 'Where the state is kept: a backend object, or a URL: `file:…`, `memory:`, `redis://…`, `postgres://…`, `mysql://…`, `sqlite:path`, `nats://…`, `s3://bucket/key`, `upstash://…`, `https://…`. `?key=shop` names the state where several apps share an engine.',
  },
  stateBackendFallbackValue: {
    group: 'state',
    doc: 'The mode while the state has never been read. It is reported loudly.',
  },
  stateFilePath: {
    group: 'state',
    doc: 'The file of the file backend. A relative path counts from the folder of the nearest package.json, upward from the working directory.',
  },
  pollInterval: {
    group: 'state',
    doc: 'How often the state is read besides being watched: the longest that a change can stay unseen where watching does not work.',
  },
  firstReadTimeout: {
    group: 'state',
    doc: 'How long a request may wait for the very first reading of the state.',
  },
  maxAge: {
    group: 'state',
    doc: 'Where no timers run between requests (functions, edge): how old the state may be before a request has it read again. The request itself goes on with what is known.',
  },
  localCopyPath: {
    group: 'state',
    defaultText: 'a folder of this user in the folder for temporary files',
    doc: 'The folder in which the last known state is kept for a restart while the backend is down; `false` for none. It must belong to this user, and nobody else may write to it. The file backend needs none.',
  },
  instanceId: {
    group: 'state',
    defaultText: 'made of host and process',
    doc: 'The name of this instance in `fleet`. It must be another one in every process.',
  },
  leaseTtl: {
    group: 'state',
    doc: 'After how long the window of a program that died lapses. A living one renews it every third of this.',
  },
  scopes: {
    group: 'parts of the site',
    doc: 'The parts of the site that can be closed by themselves, by name: `urls` are written like `ignoreUrls`, `hosts` are names such as `pay.example.com` or `*.pay.example.com`; a request that one of either covers belongs to the part. It can belong to several.',
  },
  tenants: {
    group: 'parts of the site',
    doc: 'The tenants that can be closed by themselves: `of(request)` gives the name of the tenant of a request, or `undefined`; `has(name)` tells whether there is one of that name. Both answer at once, and are asked only while a window is about a part of the site.',
  },
  ignoreAdminSite: {
    group: 'who gets through',
    doc: "The paths of the site's own admin, `adminSiteUrls`, are open.",
  },
  adminSiteUrls: {
    group: 'who gets through',
    doc: 'What `ignoreAdminSite` opens.',
  },
  ignoreAnonymousUser: {
    group: 'who gets through',
    doc: 'Visitors who are not signed in are let through.',
  },
  ignoreAuthenticatedUser: {
    group: 'who gets through',
    doc: 'Visitors who are signed in are let through.',
  },
  ignoreStaff: {
    group: 'who gets through',
    doc: 'Users with `isStaff` are let through.',
  },
  ignoreSuperuser: {
    group: 'who gets through',
    doc: 'Users with `isSuperuser` are let through.',
  },
  getAuthenticatedUser: {
    group: 'who gets through',
    defaultText: "the framework's own user",
    doc: 'Who is asking: a user, `null` for nobody, `undefined` to ask the framework. Waited for at most 1 s; asked only if a user rule or a log-out is set. Needed for user rules in the outermost place.',
  },
  logoutAuthenticatedUser: {
    group: 'who gets through',
    doc: 'Users who are not let through are logged out, and judged again as anonymous.',
  },
  logoutStaffUser: {
    group: 'who gets through',
    defaultText: 'as `logoutAuthenticatedUser`',
    doc: 'The same for users with `isStaff`.',
  },
  logoutSuperuser: {
    group: 'who gets through',
    defaultText: 'as `logoutAuthenticatedUser`',
    doc: 'The same for users with `isSuperuser`.',
  },
  ignoreIpAddresses: {
    group: 'who gets through',
    doc: 'Addresses and CIDR ranges (IPv4, IPv6) that are let through; a RegExp, or a string starting with `^`, must match the whole address. A plain address matches itself only.',
  },
  getClientIpAddress: {
    group: 'who gets through',
    defaultText: "the framework's own verdict",
    doc: "The client's address, where neither the framework nor `trustProxy` can tell it.",
  },
  trustProxy: {
    group: 'who gets through',
    doc: 'Which proxies in front are believed about the client: how many there are, or a list of their addresses, ranges and the names `loopback`, `linklocal`, `uniquelocal`. Without it no forwarded header is believed.',
  },
  ignoreUrls: {
    group: 'who gets through',
    doc: 'Paths that stay open: exact (`/status`), a glob (`/api/**`), a RegExp or a string starting with `^` (matched from the start of the path). A method and a host may stand before it: `POST api.example.com/webhooks/**`.',
  },
  ignoreRequest: {
    group: 'who gets through',
    doc: 'A predicate of your own: `true` lets the request through. Waited for at most 1 s.',
  },
  ignoreTests: {
    group: 'who gets through',
    doc: 'Everything is open while a test runner runs: node:test, vitest, jest, mocha, playwright.',
  },
  healthUrls: {
    group: 'who gets through',
    doc: 'GET and HEAD of these reach the app in every mode, so that an orchestrator does not restart what is in maintenance.',
  },
  loginUrls: {
    group: 'who gets through',
    doc: 'The way in for those whom a user rule lets through: the log-in page, what it needs, and its second factor.',
  },
  writableUrls: {
    group: 'who gets through',
    doc: 'What may be written to in the mode `read-only`: log-in and log-out, or an endpoint that judges each operation by itself. Written like `ignoreUrls`.',
  },
  writingUrls: {
    group: 'who gets through',
    doc: 'GETs that write, so that the mode `read-only` refuses them: `/cart/add`, an unsubscribe link. Written like `ignoreUrls`.',
  },
  routes: {
    group: 'who gets through',
    doc: "Forces paths `'off'` (always open) or `'on'` (always closed) where no router has run yet. Keys are written like `ignoreUrls`.",
  },
  redirectUrl: {
    group: 'the answer',
    doc: 'GET and HEAD of HTML clients are redirected there (302) instead of being answered. Exactly this address is open; all others get the 503.',
  },
  siteUrl: {
    group: 'the answer',
    doc: "The site's own address. Needed only behind a proxy that changes the Host header, to know an absolute `redirectUrl` as one's own.",
  },
  responseType: {
    group: 'the answer',
    doc: '`auto` negotiates, `html` and `json` always answer so, and a function chooses for each request.',
  },
  template: {
    group: 'the answer',
    defaultText: 'the built-in page',
    doc: 'The page: an HTML template file or its text (Liquid), or a function that renders. Relative paths count as in `stateFilePath`.',
  },
  getContext: {
    group: 'the answer',
    doc: 'Extra values for the template and the JSON body. Waited for at most 1 s.',
  },
  statusCode: {
    group: 'the answer',
    doc: 'The status of a refusal.',
  },
  readOnlyStatusCode: {
    group: 'the answer',
    doc: 'The status of what the mode `read-only` refuses.',
  },
  retryAfter: {
    group: 'the answer',
    doc: 'Retry-After where no end is known; `false` or 0 for none. A known end goes before it.',
  },
  reply: {
    group: 'the answer',
    doc: 'The last word on any refusal: change the reply, or return another one.',
  },
  holdTimeout: {
    group: 'held and running requests',
    doc: 'How long a request waits in the mode `hold` before it is refused.',
  },
  holdLimit: {
    group: 'held and running requests',
    doc: 'How many requests an instance lets wait at once in the mode `hold`; more are refused.',
  },
  drainTimeout: {
    group: 'held and running requests',
    doc: 'How long the requests that had been let in are waited for once the site is closed.',
  },
  drainStreams: {
    group: 'held and running requests',
    doc: "What becomes of visitors' endless streams, such as server-sent events, after `drainTimeout`: `leave` lets them go on, `end` ends them.",
  },
  controlUrl: {
    group: 'the rest',
    doc: 'Where `maintenanceControls` answers. Its paths are open in every mode.',
  },
  adminToken: {
    group: 'the rest',
    doc: 'A bearer token for the control URLs, where an app has no superusers. `token create` makes others, with a name and an end.',
  },
  notify: {
    group: 'the rest',
    defaultText: 'nobody',
    doc: 'Who is told when the site closes, reopens, is announced to close, or has been closed for four hours without an end: the URL of a webhook, `{ url, secret, headers }`, a function of the notification, or a list of these. Once for all instances.',
  },
  timezone: {
    group: 'the rest',
    defaultText: "the process's own",
    doc: 'The time zone in which times without one are read.',
  },
  logger: {
    group: 'the rest',
    defaultText: '`console`',
    doc: 'Where warnings and failures are reported.',
  },
  silence: {
    group: 'the rest',
    doc: 'Warnings, by name, that are not to be said.',
  },
}
