import { SetMetadata } from '@nestjs/common'
import { MetadataScanner, type ModulesContainer, Reflector } from '@nestjs/core'

/** A decorator of a class or a method, as `experimentalDecorators` and as the standard have them. */
export interface ForcingDecorator {
  (target: object, key: string | symbol, descriptor: PropertyDescriptor): void
  (target: object, context?: ClassDecoratorContext | ClassMethodDecoratorContext): void
}

type Forced = 'off' | 'on'
type Handler = (...args: never[]) => unknown

const forcedKey = 'forceMaintenanceMode'
/** Nest's own: the path of a route. */
const pathKey = 'path'
/** Nest copies it to the handler that Express is given, and makes the `config` of Fastify's route of it. */
const configKey = '__fastify_route_config__'
const mark: unique symbol = Symbol('maintenance-mode')

type Marked = { readonly [mark]?: 'route' | 'forced' } | undefined

const reflector = new Reflector()
const decorated = new Set<Forced>()

export function forced(mode: Forced): ForcingDecorator {
  const set = SetMetadata(forcedKey, mode)
  return (target: object, key?: unknown, descriptor?: PropertyDescriptor): void => {
    decorated.add(mode)
    if (descriptor) set(target, key as string, descriptor)
    else set(target as Handler)
  }
}

/** Whether anything is decorated so, in any app of this process. */
export function hasForced(mode: Forced): boolean {
  return decorated.has(mode)
}

/** How a route is forced: what is said of the method comes before what is said of its class. */
export function forcedMode(method: object, controller: object): Forced | undefined {
  return reflector.getAllAndOverride<Forced | undefined>(forcedKey, [method as Handler, controller as Handler])
}

/**
 * Marks the methods of all controllers that may be forced off: a method may be inherited, and only some of the classes
 * forced. Before the routes are made, to which the mark is copied.
 */
export function markRoutes(modules: ModulesContainer): void {
  const scanner = new MetadataScanner()
  for (const { controllers } of modules.values()) {
    for (const { metatype } of controllers.values()) {
      const prototype = (metatype as { prototype: Record<string, Handler> }).prototype
      for (const name of scanner.getAllMethodNames(prototype)) {
        const method = prototype[name] as Handler
        if (reflector.get(pathKey, method) === undefined) continue
        const config = reflector.get<Marked>(configKey, method)
        const isForced = config?.[mark] === 'forced' || forcedMode(method, metatype as Handler) === 'off'
        SetMetadata(configKey, { ...config, [mark]: isForced ? 'forced' : 'route' })(method)
      }
    }
  }
}

/** Whether a request that comes to this handler of Express is one for the guard. */
export function isLeftHandler(handler: object, all: boolean): boolean {
  return isLeftConfig(reflector.get<Marked>(configKey, handler as Handler), all)
}

/** @param all every route of a controller is, not only those that may be forced off */
export function isLeftConfig(config: object | undefined, all: boolean): boolean {
  const marked = (config as Marked)?.[mark]
  return all ? marked !== undefined : marked === 'forced'
}
