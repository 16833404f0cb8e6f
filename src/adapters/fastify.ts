import type { Readable } from 'node:stream'
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest as NativeRequest } from 'fastify'
import { createControls } from '../admin/controls.js'
import { engineOf } from '../engine.js'
import { SettingError } from '../errors.js'
import { type Maintenance, toMaintenance } from '../maintenance.js'
import type { MaintenanceOptions } from '../settings/options.js'
import { send, settleReply, tellLocals } from './fastify-answer.js'
import { FastifyRequest } from './fastify-request.js'
import { followNoted, innerGate } from './node-connections.js'
import { authorityOf, readBody } from './node-controls.js'

export { attachMaintenanceMode, withMaintenanceMode } from './node.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** `off`: the route stays open in every mode. `on`: it is closed in every mode, and for everybody. */
    forceMaintenanceMode?: 'off' | 'on'
  }
}

/** What `createMaintenance` returned, or its options. */
export interface MaintenancePluginOptions extends MaintenanceOptions {
  /** What `createMaintenance` returned. Without it the plugin makes one of the other options, and closes it with the app. */
  maintenance?: Maintenance | undefined
}

const hooks = ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const

export interface MaintenanceModeOptions extends MaintenancePluginOptions {
  /** When requests are judged: a later hook where users sign in later than `onRequest`. Default: `onRequest`. */
  hook?: (typeof hooks)[number] | undefined
}

type Done = () => void

/**
 * Maintenance mode as a plugin of Fastify 5, for the instance that it is registered in and all below it. Routes say
 * `config: { forceMaintenanceMode: 'off' }`, or `'on'`. Where there are `reply.locals`, templates find `maintenance_mode`
 * in them, and `maintenance_mode_bypassed` where the request was let through although the mode is not `off`.
 *
 * @throws SettingError
 *
 * @example await app.register(maintenanceMode, { maintenance })
 */
export const maintenanceMode: FastifyPluginAsync<MaintenanceModeOptions> = asPlugin(
  'maintenanceMode',
  async function maintenanceMode(app, { hook = 'onRequest', ...given }) {
    if (!hooks.includes(hook)) {
      throw new SettingError('hook', `Setting \`hook\`: ${JSON.stringify(hook)} is none of ${hooks.join(', ')}.`)
    }
    const maintenance = maintenanceOf(app, given)
    const engine = engineOf(maintenance)
    // Routes that were there before the plugin are not told of one by one: how they are forced has to be asked for.
    const hasEarlier = app.printRoutes() !== '(empty tree)'
    let hasForced = hasEarlier

    const gate = innerGate(engine, (request: NativeRequest) => new FastifyRequest(request, engine, hasForced))

    function judge(request: NativeRequest, reply: FastifyReply, next: Done): void {
      settleReply(engine, new FastifyRequest(request, engine, hasForced), reply, () => next())
    }

    function maintenanceMode(request: NativeRequest, reply: FastifyReply, next: Done): void {
      followNoted(gate, request.raw, reply.raw, request)
      if (!engine.open || (hasEarlier && request.routeOptions.config.forceMaintenanceMode === 'on')) {
        judge(request, reply, next)
      } else {
        tellLocals(engine, reply, false)
        next()
      }
    }

    app.addHook('onRoute', (route) => {
      const { forceMaintenanceMode: forced } = route.config ?? {}
      if (forced) hasForced = true
      if (forced === 'on') route.onRequest = [judge, route.onRequest ?? []].flat()
    })
    if (hook === 'preParsing') {
      app.addHook(hook, (request, reply, _payload, next) => maintenanceMode(request, reply, next))
    } else app.addHook(hook as 'onRequest', maintenanceMode)
  },
  { 'skip-override': true },
)

/**
 * The control URLs below the setting `controlUrl`, for superusers and for who sends a token: a page with the button, `on`,
 * `off`, `status`, `check`, and what the command line's `--via` needs. Register it after what finds out who the user is.
 *
 * @throws SettingError
 *
 * @example await app.register(maintenanceControls, { maintenance })
 */
export const maintenanceControls: FastifyPluginAsync<MaintenancePluginOptions> = asPlugin(
  'maintenanceControls',
  async function maintenanceControls(app, given) {
    const maintenance = maintenanceOf(app, given)
    const engine = engineOf(maintenance)
    const { controlUrl } = engine.settings
    if (app.prefix !== '') {
      throw new TypeError(
        `Register maintenanceControls without a prefix: the setting controlUrl, now ${controlUrl}, is the whole path.`,
      )
    }
    const controls = createControls(maintenance)
    // Whatever the app's own parsers would have made of the body.
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', (_request, payload, parsed) => parsed(null, payload))

    async function maintenanceControls(native: NativeRequest, reply: FastifyReply): Promise<FastifyReply> {
      const request = new FastifyRequest(native, engine)
      const body = (limit: number) => readBody((native.body ?? native.raw) as Readable, limit)
      return send(reply, await controls.answer({ request, authority: authorityOf(request), body }))
    }

    for (const url of [controlUrl, `${controlUrl}/*`]) {
      // Not for the pages that tools make of an app's routes.
      const schema: object = { hide: true }
      app.route({ method: app.supportedMethods, url, schema, handler: maintenanceControls })
    }
  },
)

/** Fastify hands a plugin the options that are its own as well. */
function maintenanceOf(app: FastifyInstance, given: MaintenancePluginOptions): Maintenance {
  const { maintenance, prefix, logLevel, logSerializers, ...options } = given as Record<string, unknown>
  if (!maintenance) {
    const made = toMaintenance(options)
    app.addHook('onClose', () => made.close())
    made.start()
    return made
  }
  const [other] = Object.keys(options)
  if (other !== undefined) {
    throw new SettingError(
      other,
      `Setting \`${other}\`: give it to createMaintenance, as \`maintenance\` is given here.`,
    )
  }
  ;(maintenance as Maintenance).start()
  return maintenance as Maintenance
}

/** What fastify-plugin does: a name for messages, and the versions that Fastify lets it into. */
function asPlugin<Options extends MaintenancePluginOptions>(
  name: string,
  plugin: FastifyPluginAsync<Options>,
  more: Record<string, true> = {},
): FastifyPluginAsync<Options> {
  const known = {
    'fastify.display-name': name,
    'plugin-meta': { name: `maintenance-mode: ${name}`, fastify: '5.x' },
    ...more,
  }
  for (const [key, value] of Object.entries(known)) Object.defineProperty(plugin, Symbol.for(key), { value })
  return plugin
}
