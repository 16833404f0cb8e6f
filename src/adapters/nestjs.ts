import {
  type DynamicModule,
  type FactoryProvider,
  Inject,
  type ModuleMetadata,
  type NestModule,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common'
import { APP_GUARD, HttpAdapterHost, ModulesContainer } from '@nestjs/core'
import { isMaintenance } from '../engine.js'
import { type Maintenance, toMaintenance } from '../maintenance.js'
import type { MaintenanceOptions } from '../settings/options.js'
import { type ForcingDecorator, forced } from './nestjs-routes.js'
import { type NestMaintenanceOptions, NestSite } from './nestjs-site.js'

export type { ForcingDecorator } from './nestjs-routes.js'
export type { NestMaintenanceOptions } from './nestjs-site.js'
export { attachMaintenanceMode } from './node.js'

type Given = Maintenance | MaintenanceOptions

/** What `forRootAsync` takes: how the maintenance object, or its options, are made. */
export interface NestMaintenanceAsyncOptions
  extends NestMaintenanceOptions,
    Pick<ModuleMetadata, 'imports'>,
    Pick<FactoryProvider<Given>, 'inject' | 'useFactory'> {}

/** The token of the maintenance object: `app.get(MAINTENANCE)`. */
export const MAINTENANCE: unique symbol = Symbol('MAINTENANCE')

/**
 * Injects the maintenance object.
 *
 * @example constructor(@InjectMaintenance() private readonly maintenance: Maintenance) {}
 */
export function InjectMaintenance(): PropertyDecorator & ParameterDecorator {
  return Inject(MAINTENANCE)
}

/**
 * Controllers and methods that stay open in every mode. What is said of a method comes before what is said of its class.
 *
 * @example
 * ```ts
 * class HooksController {
 *   @Post('webhook')
 *   @ForceMaintenanceModeOff()
 *   receive() {}
 * }
 * ```
 */
export function ForceMaintenanceModeOff(): ForcingDecorator {
  return forced('off')
}

/** Controllers and methods that are closed in every mode and for everybody. */
export function ForceMaintenanceModeOn(): ForcingDecorator {
  return forced('on')
}

const given: unique symbol = Symbol('given')
const site: unique symbol = Symbol('site')

/**
 * Maintenance mode for an app of Nest 12 or 11, on Express or Fastify. Global: import it once, in the root module.
 *
 * @example imports: [MaintenanceModeModule.forRoot({ ignoreStaff: true })]
 */
export class MaintenanceModeModule implements NestModule, OnModuleInit, OnApplicationShutdown {
  readonly #site: NestSite
  readonly #given: Given

  constructor(site: NestSite, given: Given) {
    this.#site = site
    this.#given = given
  }

  /**
   * @param given what `createMaintenance` returned, which the app closes itself, or its options
   * @throws SettingError when the app is created
   */
  static forRoot(given: Given = {}, options: NestMaintenanceOptions = {}): DynamicModule {
    return moduleOf({ useFactory: () => given }, options)
  }

  /** @example forRootAsync({ inject: [ConfigService], useFactory: (config) => config.get('maintenance') }) */
  static forRootAsync({
    imports = [],
    inject = [],
    useFactory,
    ...options
  }: NestMaintenanceAsyncOptions): DynamicModule {
    return { ...moduleOf({ inject, useFactory }, options), imports }
  }

  configure(): void {
    this.#site.beforeRoutes()
  }

  onModuleInit(): void {
    this.#site.afterRoutes()
  }

  async onApplicationShutdown(): Promise<void> {
    if (!isMaintenance(this.#given)) await this.#site.maintenance.close()
  }
}
Inject(site)(MaintenanceModeModule, undefined, 0)
Inject(given)(MaintenanceModeModule, undefined, 1)

function moduleOf(factory: Omit<FactoryProvider<Given>, 'provide'>, options: NestMaintenanceOptions): DynamicModule {
  return {
    module: MaintenanceModeModule,
    global: true,
    providers: [
      { provide: given, ...factory },
      { provide: MAINTENANCE, inject: [given], useFactory: toMaintenance },
      {
        provide: site,
        inject: [MAINTENANCE, HttpAdapterHost, ModulesContainer],
        useFactory: (maintenance: Maintenance, host: HttpAdapterHost, modules: ModulesContainer) =>
          new NestSite(maintenance, options, host, modules),
      },
      { provide: APP_GUARD, inject: [site], useFactory: (made: NestSite) => made.guard() },
    ],
    exports: [MAINTENANCE],
  }
}
