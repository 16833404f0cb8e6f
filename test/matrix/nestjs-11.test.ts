import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { MaintenanceOptions } from '../../src/settings/options.js'
import { adapterSuite } from '../../src/testing/index.js'
import { countsAnUpload } from './draining.js'
import { exampleIsSwitched } from './example.js'
import { createProject, type Project } from './project.js'

const site = fileURLToPath(new URL('../adapters/contract/fixtures/nestjs-site.mjs', import.meta.url))
const nest = (version: number, ...names: string[]) => names.map((name) => `@nestjs/${name}@${version}`)

const server = `
  import { attachMaintenanceMode } from 'maintenance-mode/nestjs'
  import { WebSocketServer } from 'ws'
  import { createSite } from './nestjs-site.mjs'
  const [, , platform, place] = process.argv
  const { app, maintenance } = await createSite(platform, place, JSON.parse(process.env.SITE_SETTINGS))
  attachMaintenanceMode(app.getHttpServer(), maintenance)
  new WebSocketServer({ server: app.getHttpServer() })
  await app.listen(process.env.PORT, process.env.HOST)`

/** CommonJS, as apps of Nest 11 mostly are; an e2e test of theirs. */
const e2e = `
  require('reflect-metadata')
  const { Controller, Get, Module } = require('@nestjs/common')
  const { Test } = require('@nestjs/testing')
  const { MAINTENANCE, MaintenanceModeModule } = require('maintenance-mode/nestjs')
  class HomeController { home() { return 'hello' } }
  Get()(HomeController.prototype, 'home', Object.getOwnPropertyDescriptor(HomeController.prototype, 'home'))
  Controller()(HomeController)
  class AppModule {}
  Module({
    imports: [MaintenanceModeModule.forRoot({ stateBackend: 'memory:', silence: ['memory-backend'] })],
    controllers: [HomeController],
  })(AppModule)
  async function run() {
    const testing = await Test.createTestingModule({ imports: [AppModule] }).compile()
    const app = testing.createNestApplication()
    await app.listen(0, '127.0.0.1')
    const status = async () => (await fetch(await app.getUrl())).status
    const before = await status()
    await app.get(MAINTENANCE).setMode('on')
    console.log(JSON.stringify([before, await status()]))
    await app.close()
  }
  run()`

describe('Nest 11', () => {
  let project: Project

  beforeAll(async () => {
    const names = ['common', 'core', 'platform-express', 'platform-fastify', 'testing']
    project = await createProject({ packages: [...nest(11, ...names), 'reflect-metadata', 'rxjs', 'ws@8'] })
    project.file('nestjs-site.mjs', readFileSync(site, 'utf8'))
    project.file('server.mjs', server)
    project.file('e2e.cjs', e2e)
  })

  afterAll(() => project?.remove())

  for (const [name, platform, place] of [
    ['Nest 11 on Express', 'express', 'middleware'],
    ['Nest 11 on Express, in a guard', 'express', 'guard'],
    ['Nest 11 on Fastify', 'fastify', 'middleware'],
    ['Nest 11 on Fastify, in a guard', 'fastify', 'guard'],
  ] as const) {
    const serve = (settings: MaintenanceOptions) => project.serve(settings, 'node', 'server.mjs', platform, place)
    adapterSuite({ describe, it, afterAll }, { name, serve })

    it(`counts what is under way when it is closed: ${name}`, () => countsAnUpload(project, serve))
  }

  it('is closed in a testing module as well', async () => {
    expect(JSON.parse(await project.run('node', 'e2e.cjs'))).toEqual([200, 503])
  })
})

describe('Nest 12, the example', () => {
  let project: Project

  beforeAll(async () => {
    project = await createProject({ from: 'examples/nestjs', packages: [] })
  })

  afterAll(() => project?.remove())

  it('is closed and reopened by the command line', () => exampleIsSwitched(project))
})

describe('Nest 10', () => {
  let project: Project

  beforeAll(async () => {
    const packages = [...nest(10, 'common', 'core', 'platform-express'), 'reflect-metadata', 'rxjs', 'ws@8']
    // npm itself refuses it, unless it is told to be quiet.
    project = await createProject({ packages, environment: { npm_config_legacy_peer_deps: 'true' } })
    project.file('nestjs-site.mjs', readFileSync(site, 'utf8'))
    project.file('server.mjs', server)
  })

  afterAll(() => project?.remove())

  it('is told apart by a message', async () => {
    const settings = JSON.stringify({ stateBackend: `file:${join(project.folder, 'state.json')}` })
    const starting = project.run('env', `SITE_SETTINGS=${settings}`, 'node', 'server.mjs', 'express', 'middleware')
    await expect(starting).rejects.toThrow(/is made for Nest 11 and 12, and this is Nest 10\./)
  })
})
