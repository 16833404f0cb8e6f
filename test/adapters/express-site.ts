import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import express5, { type Express as App, type Request, type Response } from 'express'
import { createMaintenance, type Maintenance, type MaintenanceOptions } from 'maintenance-mode'
import { maintenanceMode } from 'maintenance-mode/express'
import { createTestClock, type TestClock } from 'maintenance-mode/testing'

/** An alias in package.json, so without types of its own; what is used here is the same in both. */
const express4 = createRequire(import.meta.url)('express4') as typeof express5

export type Express = typeof express5
export const versions: [string, Express][] = [
  ['Express 5', express5],
  ['Express 4', express4],
]

const opened: (() => unknown)[] = []

/** Ends what a test has opened; for `afterEach`. */
export async function closeAll(): Promise<void> {
  for (const close of opened.splice(0).reverse()) await close()
}

export interface TestMaintenance {
  maintenance: Maintenance
  clock: TestClock
  /** What was said to the operator. */
  said: string[]
}

export async function maintain(mode: 'off' | 'on', options: MaintenanceOptions = {}): Promise<TestMaintenance> {
  const clock = createTestClock()
  const said: string[] = []
  const say = (message: string) => void said.push(message)
  const maintenance = createMaintenance(
    {
      stateBackend: 'memory:',
      silence: ['memory-backend', 'no-login-url'],
      logger: { warn: say, error: say },
      ...options,
    },
    { clock, environment: {} },
  )
  opened.push(() => maintenance.close())
  await maintenance.setMode(mode)
  return { maintenance, clock, said }
}

export type Ask = (path: string, init?: RequestInit) => Promise<Answer>

interface Answer {
  status: number
  headers: Headers
  body: string
}

/** Serves an app, and returns how to ask it. Redirects are answers, too. */
export async function serve(app: RequestListener): Promise<Ask & { port: number }> {
  const server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  opened.push(() => {
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    return closed
  })
  const { port } = server.address() as AddressInfo
  const ask: Ask = async (path, init) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { redirect: 'manual', ...init })
    return { status: response.status, headers: response.headers, body: await response.text() }
  }
  return Object.assign(ask, { port })
}

/** A handler that says one thing. */
export const say = (text: string) => (_req: Request, res: Response) => {
  res.send(text)
}

/** An app in maintenance, with the middleware in front of its routes. */
export async function closedSite(express: Express, routes: (app: App) => void, options: MaintenanceOptions = {}) {
  const { maintenance, said } = await maintain('on', options)
  const app = express()
  app.use(maintenanceMode(maintenance))
  routes(app)
  return { ask: await serve(app), maintenance, said }
}

/** The router of an app: under another name in each version. */
export function routerOf(app: App): { stack: unknown[] } {
  return (app as unknown as { _router?: { stack: unknown[] } })._router ?? app.router
}
