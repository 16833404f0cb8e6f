import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SettingError } from '../errors.js'
import { findConfigFile } from '../settings/config-file.js'
import type { MaintenanceOptions } from '../settings/options.js'

export type { MaintenanceContext } from './h3-context.js'

// @ts-expect-error: it is there where Nuxt is
declare module '@nuxt/schema' {
  interface NuxtConfig {
    maintenanceMode?: MaintenanceOptions
  }
  interface NuxtOptions {
    maintenanceMode?: MaintenanceOptions
  }
}

// @ts-expect-error: it is there where Nuxt is
declare module 'nitropack/types' {
  interface NitroRouteConfig {
    /** Stays open in every mode, or is closed in every mode and for everybody. */
    forceMaintenanceMode?: 'off' | 'on'
  }
}

/** The parts of Nitro 2 that are used. */
interface Nitro {
  readonly options: {
    readonly buildDir: string
    readonly plugins: string[]
    readonly routeRules: Readonly<Record<string, { readonly forceMaintenanceMode?: 'off' | 'on' }>>
  }
  readonly hooks: { hook(name: 'build:before', run: () => void): unknown }
}

/** The parts of Nuxt that are used. */
export interface Nuxt {
  readonly options: {
    readonly rootDir: string
    readonly app: { readonly baseURL: string }
    readonly maintenanceMode?: MaintenanceOptions
  }
  hook(name: 'nitro:init', run: (nitro: Nitro) => void): unknown
}

/** A module of Nuxt. */
export interface NuxtModule {
  (options: MaintenanceOptions | undefined, nuxt: Nuxt): void
  getMeta(): Promise<{ name: string; configKey: string; compatibility: { nuxt: string } }>
}

function maintenanceModule(given: MaintenanceOptions | undefined, nuxt: Nuxt): void {
  const { rootDir, app, maintenanceMode } = nuxt.options
  const options = { ...maintenanceMode, ...given }
  assertPlain(options)
  nuxt.hook('nitro:init', ({ options: { buildDir, plugins, routeRules }, hooks }) => {
    const plugin = join(buildDir, 'maintenance-mode.mjs')
    plugins.push(plugin)
    // Nuxt empties the folder before it builds.
    hooks.hook('build:before', () => {
      const forced = Object.entries(routeRules).flatMap(([route, { forceMaintenanceMode }]) =>
        forceMaintenanceMode ? [[app.baseURL.replace(/\/$/, '') + route, forceMaintenanceMode] as const] : [],
      )
      mkdirSync(buildDir, { recursive: true })
      writeFileSync(plugin, pluginCode(findConfigFile(rootDir), options, Object.fromEntries(forced)))
    })
  })
}

/** Functions cannot be written into the server's code: they come with the config file. */
function pluginCode(configFile: string | undefined, options: object, routes: object): string {
  const handler = fileURLToPath(new URL('nuxt-handler.js', import.meta.url))
  const config = configFile === undefined ? 'const config = {}' : `import config from ${JSON.stringify(configFile)}`
  return `import { maintenancePlugin } from ${JSON.stringify(handler)}
${config}
const options = { ...${JSON.stringify(options)}, ...config }
const routes = { ...${JSON.stringify(routes)}, ...options.routes }
export default import.meta.prerender ? () => {} : maintenancePlugin({ ...options, routes })
`
}

function assertPlain(options: object): void {
  for (const [name, value] of Object.entries(options)) {
    if (!isPlain(value)) {
      throw new SettingError(
        name,
        `\`maintenanceMode.${name}\` in nuxt.config is no plain data, and cannot be written into the server: give it in maintenance-mode.config.ts, beside nuxt.config.`,
      )
    }
  }
}

function isPlain(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return typeof value !== 'function'
  const plain = Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype
  return plain && Object.values(value).every(isPlain)
}

/**
 * Maintenance mode as a module of Nuxt 4: pages, API routes and public files. Its options are `maintenanceMode` in
 * nuxt.config, and those of maintenance-mode.config.ts beside it, which may hold functions too.
 *
 * @throws SettingError for what is no plain data in nuxt.config
 *
 * @example export default defineNuxtConfig({ modules: ['maintenance-mode/nuxt'] })
 */
const nuxtModule: NuxtModule = Object.assign(maintenanceModule, {
  getMeta: () =>
    Promise.resolve({ name: 'maintenance-mode', configKey: 'maintenanceMode', compatibility: { nuxt: '>=4.0.0' } }),
})

export default nuxtModule
