import 'reflect-metadata'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  Controller,
  type DynamicModule,
  type ExecutionContext,
  Get,
  Header,
  type INestApplication,
  Module,
  Post,
  RequestMethod,
  type Type,
  Version,
  VersioningType,
} from '@nestjs/common'
import { APP_FILTER, APP_GUARD, ExternalContextCreator, NestFactory } from '@nestjs/core'
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import express from 'express'
import { afterEach, describe, expect, it } from 'vitest'
import {
  ForceMaintenanceModeOff,
  ForceMaintenanceModeOn,
  InjectMaintenance,
  MAINTENANCE,
  MaintenanceModeModule,
  type NestMaintenanceOptions,
} from '../../src/adapters/nestjs.js'
import { memoryBackend } from '../../src/backends/memory.js'
import { createMaintenance, type Maintenance, type MaintenanceOptions } from '../../src/index.js'

type Platform = 'express' | 'fastify'
type Decorator = (target: object, key: string, descriptor: PropertyDescriptor) => unknown
type Route = [handler: (...args: never[]) => unknown, ...decorators: Decorator[]]

const platforms = ['express', 'fastify'] as const
const hello = (): string => 'hello'
const silent: MaintenanceOptions = { stateBackend: 'memory:', silence: ['memory-backend'] }
const opened: { close(): Promise<unknown> }[] = []

afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})

function made(options: MaintenanceOptions = {}): Maintenance {
  const maintenance = createMaintenance({ ...silent, ...options }, { environment: {} })
  opened.push(maintenance)
  return maintenance
}

/** Decorators are applied as `experimentalDecorators` does it. */
function decorate(prototype: object, name: string, decorators: Decorator[]): void {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, name) as PropertyDescriptor
  for (const one of decorators.toReversed()) one(prototype, name, descriptor)
}

function controller(
  of: Parameters<typeof Controller>[0] | string,
  routes: Record<string, Route>,
  ...decorators: ((target: Type) => unknown)[]
): Type {
  class SiteController {}
  for (const [name, [handler, ...methodDecorators]] of Object.entries(routes)) {
    // Metadata belongs to a function: each route has one of its own.
    const value = handler === hello ? () => 'hello' : handler
    Object.defineProperty(SiteController.prototype, name, { value, configurable: true, writable: true })
    decorate(SiteController.prototype, name, methodDecorators)
  }
  for (const one of decorators.toReversed()) one(SiteController)
  Controller(of as string)(SiteController)
  return SiteController
}

interface SiteOptions extends NestMaintenanceOptions {
  module?: DynamicModule
  imports?: (Type | DynamicModule)[]
  controllers?: Type[]
  providers?: NonNullable<DynamicModule['providers']>
  main?: (app: INestApplication) => unknown
  configure?: (builder: { apply(handler: unknown): { forRoutes(path: string): void } }) => void
}

/** An app that listens. */
async function serve(platform: Platform, maintenance: Maintenance, options: SiteOptions): Promise<Site> {
  const { main, configure, imports = [], controllers = [], providers = [], module, ...own } = options
  class AppModule {
    configure = configure ?? (() => {})
  }
  Module({ imports: [module ?? MaintenanceModeModule.forRoot(maintenance, own), ...imports], controllers, providers })(
    AppModule,
  )
  const adapter = platform === 'express' ? new ExpressAdapter() : new FastifyAdapter()
  const app = await NestFactory.create(AppModule, adapter, { logger: false, abortOnError: false })
  opened.unshift(app)
  await main?.(app)
  await app.listen(0, '127.0.0.1')
  const url = await app.getUrl()
  return {
    app,
    status: async (path, init) => (await fetch(url + path, init)).status,
    text: async (path, init) => (await fetch(url + path, init)).text(),
  }
}

interface Site {
  app: INestApplication
  status(path: string, init?: RequestInit): Promise<number>
  text(path: string, init?: RequestInit): Promise<string>
}

const v = (version: string) => ({ headers: { 'x-version': version } })

for (const platform of platforms) {
  describe(`Nest 12 on ${platform}: forced routes`, () => {
    it('are those of a whole controller, unless a method says otherwise', async () => {
      const maintenance = made()
      const { status } = await serve(platform, maintenance, {
        controllers: [
          controller(
            'hooks',
            { stripe: [hello, Get('stripe')], own: [hello, Get('own'), ForceMaintenanceModeOn()] },
            (of) => ForceMaintenanceModeOff()(of),
          ),
          controller('beta', { all: [hello, Get()], news: [hello, Get('news'), ForceMaintenanceModeOff()] }, (of) =>
            ForceMaintenanceModeOn()(of),
          ),
          controller('', { home: [hello, Get()] }),
        ],
      })
      expect(await status('/hooks/stripe')).toBe(200)
      expect(await status('/hooks/own')).toBe(503)
      expect(await status('/beta')).toBe(503)
      await maintenance.setMode('on')
      expect(await status('/hooks/stripe')).toBe(200)
      expect(await status('/hooks/own')).toBe(503)
      expect(await status('/beta')).toBe(503)
      expect(await status('/beta/news')).toBe(200)
      expect(await status('/hooks/other')).toBe(503)
      expect(await status('/')).toBe(503)
    })

    it('are not opened by a class that inherits the same method', async () => {
      const maintenance = made()
      const base = controller('base', { shared: [hello, Get('shared')] })
      class Open extends base {}
      ForceMaintenanceModeOff()(Open)
      Controller('open')(Open)
      class Closed extends base {}
      Controller('closed')(Closed)
      const { status } = await serve(platform, maintenance, { controllers: [Open, Closed, base] })
      await maintenance.setMode('on')
      expect(await status('/open/shared')).toBe(200)
      expect(await status('/closed/shared')).toBe(503)
      expect(await status('/base/shared')).toBe(503)
    })

    it('are decorated by standard decorators as well', async () => {
      const maintenance = made()
      const context = { kind: 'method' } as ClassMethodDecoratorContext
      const open = () => 'open'
      ForceMaintenanceModeOff()(open, context)
      const { status } = await serve(platform, maintenance, {
        controllers: [controller('', { open: [open, Get('open')], other: [hello, Get('other')] })],
      })
      await maintenance.setMode('on')
      expect(await status('/open')).toBe(200)
      expect(await status('/other')).toBe(503)
    })

    it('are found below a global prefix, and where that has exceptions', async () => {
      const maintenance = made()
      const { status } = await serve(platform, maintenance, {
        controllers: [
          controller('hooks', { in: [hello, Get('in'), ForceMaintenanceModeOff()], out: [hello, Get('out')] }),
          controller('status', { get: [hello, Get(), ForceMaintenanceModeOff()] }),
        ],
        main: (app) => app.setGlobalPrefix('api', { exclude: [{ path: 'status', method: RequestMethod.GET }] }),
      })
      await maintenance.setMode('on')
      expect(await status('/api/hooks/in')).toBe(200)
      expect(await status('/status')).toBe(200)
      for (const closed of ['/api/hooks/out', '/hooks/in', '/api/status', '/api/nothing', '/nothing']) {
        expect(await status(closed), closed).toBe(503)
      }
    })

    it('are those of their version, by path', async () => {
      const maintenance = made()
      const { status } = await serve(platform, maintenance, {
        controllers: [
          controller({ path: 'cats', version: '1' }, { get: [hello, Get(), ForceMaintenanceModeOff()] }),
          controller({ path: 'cats', version: '2' }, { get: [hello, Get()] }),
        ],
        main: (app) => app.enableVersioning({ type: VersioningType.URI }),
      })
      await maintenance.setMode('on')
      expect(await status('/v1/cats')).toBe(200)
      expect(await status('/v2/cats')).toBe(503)
      expect(await status('/cats')).toBe(503)
    })

    it('are those of their version, by a header', async () => {
      const maintenance = made()
      const { status } = await serve(platform, maintenance, {
        controllers: [
          controller('cats', {
            one: [hello, Get(), Version('1')],
            two: [hello, Get(), Version('2'), ForceMaintenanceModeOff()],
            three: [hello, Get(), Version('3'), ForceMaintenanceModeOn()],
          }),
        ],
        main: (app) => app.enableVersioning({ type: VersioningType.HEADER, header: 'x-version' }),
      })
      expect(await status('/cats', v('1'))).toBe(200)
      expect(await status('/cats', v('3'))).toBe(503)
      await maintenance.setMode('on')
      expect(await status('/cats', v('2'))).toBe(200)
      for (const version of ['1', '3', '4']) expect(await status('/cats', v(version)), version).toBe(503)
    })

    it('answer visitors alike, whatever filters the app has', async () => {
      const maintenance = made()
      const seen: unknown[] = []
      const filter = {
        catch(error: unknown, host: { switchToHttp(): { getResponse(): { send(body: string): void } } }) {
          seen.push(error)
          host.switchToHttp().getResponse().send('made of the error')
        },
      }
      const { text, status } = await serve(platform, maintenance, {
        controllers: [controller('', { closed: [hello, Get('closed'), ForceMaintenanceModeOn()] })],
        providers: [{ provide: APP_FILTER, useValue: filter }],
      })
      expect(await status('/closed')).toBe(503)
      expect(JSON.parse(await text('/closed', { headers: { accept: 'application/json' } }))).toMatchObject({
        status: 503,
      })
      expect(seen).toEqual([])
    })
  })

  describe(`Nest 12 on ${platform}: the module`, () => {
    it('is made by a factory, which others are injected into', async () => {
      class Config {
        options = { ...silent, mode: 'on' } as const
      }
      class ConfigModule {}
      Module({ providers: [Config], exports: [Config] })(ConfigModule)
      const module = MaintenanceModeModule.forRootAsync({
        imports: [ConfigModule],
        inject: [Config],
        useFactory: async ({ options }: Config) => options,
      })
      const { app, status } = await serve(platform, made(), {
        module,
        controllers: [controller('', { home: [hello, Get()] })],
      })
      expect(await status('/')).toBe(503)
      expect(app.get<Maintenance>(MAINTENANCE).status().pinned).toBe(true)
    })

    it('gives the maintenance object to whoever asks for it', async () => {
      const maintenance = made()
      class Switch {
        readonly maintenance: Maintenance
        constructor(given: Maintenance) {
          this.maintenance = given
        }
        async on() {
          await this.maintenance.setMode('on')
          return 'done'
        }
      }
      InjectMaintenance()(Switch, undefined, 0)
      decorate(Switch.prototype, 'on', [Post('on') as Decorator])
      Controller('switch')(Switch)
      const { status } = await serve(platform, maintenance, { controllers: [Switch] })
      expect(await status('/switch/on', { method: 'POST' })).toBe(201)
      expect(await status('/switch/on', { method: 'POST' })).toBe(503)
    })

    it('closes with the app what it has made, and nothing else', async () => {
      const closed: string[] = []
      const backend = (name: string) => ({
        ...silent,
        stateBackend: Object.assign(memoryBackend(), { close: async () => void closed.push(name) }),
      })
      const given = createMaintenance(backend('given'), { environment: {} })
      const apps = [
        await serve(platform, given, {}),
        await serve(platform, given, { module: MaintenanceModeModule.forRoot(backend('made')) }),
      ]
      for (const { app } of apps) await app.close()
      expect(closed).toEqual(['made'])
      await given.close()
    })

    it('refuses before any middleware of a module, and before bodies are read', async () => {
      const maintenance = made()
      const reached: string[] = []
      const { status } = await serve(platform, maintenance, {
        controllers: [controller('', { add: [hello, Post('items')] })],
        configure: (builder) =>
          builder
            .apply((req: { url: string }, res: { end(text: string): void }) => {
              reached.push(req.url)
              res.end('by a proxy')
            })
            .forRoutes('{*all}'),
      })
      const broken = { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } }
      await maintenance.setMode('on')
      expect(await status('/items', broken)).toBe(503)
      expect(await status('/nothing')).toBe(503)
      expect(reached).toEqual([])
      await maintenance.setMode('off')
      expect(await status('/nothing')).toBe(200)
    })

    it('serves no control URLs where these are not wanted', async () => {
      const adminToken = 'a-token-of-this-test'
      const headers = { authorization: `Bearer ${adminToken}` }
      const [has, hasNot] = [
        await serve(platform, made({ adminToken }), {}),
        await serve(platform, made({ adminToken }), { controls: false }),
      ]
      expect(await has.status('/maintenance-mode/status', { headers })).toBe(200)
      expect(await hasNot.status('/maintenance-mode/status', { headers })).toBe(404)
    })

    it('says which places there are', async () => {
      const place = 'first' as 'guard'
      await expect(serve(platform, made(), { place })).rejects.toThrow('place is "first": write \'outermost\'')
    })
  })

  describe(`Nest 12 on ${platform}: in a guard`, () => {
    const staffOnly = {
      canActivate(context: ExecutionContext) {
        const request = context.switchToHttp().getRequest<{ headers: Record<string, string>; user?: object }>()
        if (request.headers.authorization) request.user = { isStaff: true }
        return true
      },
    }
    const authorization = { headers: { authorization: 'Bearer of-staff' } }

    it('knows the user whom a guard before it has found', async () => {
      const maintenance = made({ ignoreStaff: true })
      const { status } = await serve(platform, maintenance, {
        place: 'guard',
        providers: [{ provide: APP_GUARD, useValue: staffOnly }],
        controllers: [
          controller('', { home: [hello, Get()], open: [hello, Get('open'), ForceMaintenanceModeOff()] }),
          controller('closed', { get: [hello, Get(), ForceMaintenanceModeOn()] }),
        ],
      })
      await maintenance.setMode('on')
      expect(await status('/')).toBe(503)
      expect(await status('/', authorization)).toBe(200)
      expect(await status('/open')).toBe(200)
      expect(await status('/closed', authorization)).toBe(503)
      expect(await status('/nothing', authorization)).toBe(503)
    })

    it('is not known to users of an app beside it', async () => {
      const routes = controller('', { home: [hello, Get()] })
      const [late, early] = [made(), made()]
      await serve(platform, late, { place: 'guard', controllers: [routes] })
      const { status } = await serve(platform, early, { controllers: [routes] })
      await early.setMode('on')
      expect(await status('/')).toBe(503)
    })
  })

  describe(`Nest 12 on ${platform}: what is not HTTP`, () => {
    for (const type of ['rpc', 'ws', 'graphql']) {
      it(`${type} passes, but for what is forced on`, async () => {
        const maintenance = made()
        class Resolver {
          open() {
            return 'open'
          }
          closed() {
            return 'closed'
          }
        }
        decorate(Resolver.prototype, 'closed', [ForceMaintenanceModeOn()])
        const { app } = await serve(platform, maintenance, { providers: [Resolver] })
        await maintenance.setMode('on')
        const contexts = app.get(ExternalContextCreator)
        const call = (name: 'open' | 'closed') => {
          const resolver = app.get(Resolver)
          const options = { guards: true, interceptors: true, filters: false }
          return contexts.create(resolver, resolver[name], name, '', undefined, undefined, undefined, options, type)()
        }
        expect(await call('open')).toBe('open')
        await expect(call('closed')).rejects.toThrow('Service Unavailable')
      })
    }
  })
}

describe('Nest 12 on express', () => {
  const signIn = (req: express.Request, _res: unknown, next: () => void) => {
    if (req.headers.cookie) Object.assign(req, { user: { isStaff: true } })
    next()
  }
  const staff = { headers: { cookie: 'session=1' } }

  function assets(): string {
    const folder = mkdtempSync(join(tmpdir(), 'maintenance-mode-nestjs-'))
    writeFileSync(join(folder, 'app.css'), 'body {}')
    opened.push({ close: async () => rmSync(folder, { recursive: true }) })
    return folder
  }

  for (const how of ['useStaticAssets', 'express.static'] as const) {
    it(`closes the files of ${how} in main.ts`, async () => {
      const maintenance = made({ ignoreStaff: true })
      const { status } = await serve('express', maintenance, {
        main(app) {
          app.use(signIn)
          if (how === 'useStaticAssets') (app as NestExpressApplication).useStaticAssets(assets())
          else app.use(express.static(assets()))
        },
      })
      expect(await status('/app.css')).toBe(200)
      await maintenance.setMode('on')
      expect(await status('/app.css')).toBe(503)
      expect(await status('/app.css', staff)).toBe(200)
    })
  }

  it('serves no file to a request that is left to the guard', async () => {
    const maintenance = made()
    const { text, status } = await serve('express', maintenance, {
      place: 'guard',
      controllers: [controller('', { page: [hello, Get('*all'), Header('content-type', 'text/plain')] })],
      main: (app) => (app as NestExpressApplication).useStaticAssets(assets()),
    })
    expect(await text('/app.css')).toBe('body {}')
    await maintenance.setMode('on')
    expect(await status('/app.css')).toBe(503)
  })

  it('closes what comes after a route of another host', async () => {
    const maintenance = made()
    class FilesModule {
      onModuleInit() {}
    }
    Module({})(FilesModule)
    const { text, status } = await serve('express', maintenance, {
      controllers: [
        controller({ path: 'hook', host: 'hooks.example.com' }, { get: [hello, Get(), ForceMaintenanceModeOff()] }),
      ],
      imports: [FilesModule],
      main(app) {
        // As @nestjs/serve-static does it.
        FilesModule.prototype.onModuleInit = () => {
          app
            .getHttpAdapter()
            .getInstance()
            .use((_req: unknown, res: express.Response) => res.send('index.html'))
        }
      },
    })
    expect(await text('/hook')).toBe('index.html')
    await maintenance.setMode('on')
    expect(await status('/hook')).toBe(503)
  })

  it('outermost stands before what main.ts adds', async () => {
    const maintenance = made({ ignoreStaff: true })
    const { status } = await serve('express', maintenance, {
      place: 'outermost',
      main: (app) => app.use((_req: unknown, res: express.Response) => res.send('of main.ts')),
    })
    expect(await status('/')).toBe(200)
    await maintenance.setMode('on')
    expect(await status('/')).toBe(503)
  })
})

describe('Nest 12 on fastify', () => {
  it('leaves the hook of others on the adapter as it is', async () => {
    const maintenance = made()
    const seen: string[] = []
    const { status } = await serve('fastify', maintenance, {
      controllers: [controller('', { home: [hello, Get()] })],
      main: (app) =>
        (app.getHttpAdapter() as FastifyAdapter).setOnRequestHook(async (request: { url: string }) => {
          seen.push(request.url)
        }),
    })
    expect(await status('/?1')).toBe(200)
    await maintenance.setMode('on')
    expect(await status('/?2')).toBe(503)
    expect(seen).toEqual(['/?1'])
  })

  it('closes plugins with their own routes', async () => {
    const maintenance = made()
    const { status } = await serve('fastify', maintenance, {
      main: async (app) => {
        await app
          .getHttpAdapter()
          .getInstance()
          .register(async (part: { get(path: string, handler: () => Promise<string>): void }) => {
            part.get('/plugin', async () => 'of a plugin')
          })
      },
    })
    expect(await status('/plugin')).toBe(200)
    await maintenance.setMode('on')
    expect(await status('/plugin')).toBe(503)
  })
})

it('says which platforms it knows', async () => {
  class OtherAdapter extends ExpressAdapter {
    override getType() {
      return 'other'
    }
  }
  class AppModule {}
  Module({ imports: [MaintenanceModeModule.forRoot(made())] })(AppModule)
  const creating = NestFactory.create(AppModule, new OtherAdapter(), { logger: false, abortOnError: false })
  await expect(creating).rejects.toThrow('knows the platforms Express and Fastify, not "other"')
})
