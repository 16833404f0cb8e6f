import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import * as Sentry from '@sentry/node'
import express, { type RequestHandler } from 'express'
import { createMaintenance, type MaintenanceOptions } from 'maintenance-mode'
import {
  isMaintenanceRefusal,
  morganSkip,
  pinoHttpLogLevel,
  pinoLogMethod,
  sentryBeforeSend,
  sentryIntegration,
  winstonFilter,
} from 'maintenance-mode/log-filters'
import { maintenanceMode, withMaintenanceMode } from 'maintenance-mode/node'
import morgan from 'morgan'
import { type Logger, pino, stdSerializers } from 'pino'
import { pinoHttp } from 'pino-http'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import winston from 'winston'

const root = fileURLToPath(new URL('../..', import.meta.url))
const closers: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(async () => {
    server.close()
    await once(server, 'close')
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** An Express app with a logger in front of the maintenance mode, and paths that stay open. */
async function visit(logger: RequestHandler, options: MaintenanceOptions, paths: string[]): Promise<number[]> {
  const maintenance = createMaintenance({ ignoreUrls: ['/open', '/broken'], silence: ['pinned-mode'], ...options })
  closers.push(() => maintenance.close())
  const app = express()
  app.use(logger)
  app.use(maintenanceMode(maintenance))
  app.get('/broken', (_req, res) => void res.sendStatus(503))
  app.use((_req, res) => void res.send('hello'))
  const origin = await listen(app)
  const statuses: number[] = []
  for (const path of paths) {
    const response = await fetch(origin + path, { headers: { Connection: 'close' } })
    await response.text()
    statuses.push(response.status)
  }
  return statuses
}

const onFinish =
  (log: (req: IncomingMessage, res: ServerResponse) => void): RequestHandler =>
  (req, res, next) => {
    res.on('finish', () => log(req, res))
    next()
  }

/** A stream of lines, as most loggers write to. */
function lines(): { stream: Writable; written: string[] } {
  const written: string[] = []
  const stream = new Writable({
    decodeStrings: false,
    write(line, _encoding, done) {
      written.push(String(line).trimEnd())
      done()
    },
  })
  return { stream, written }
}

interface Line {
  level: number
  req: { url: string }
  res: { statusCode: number }
}

/** `503 /path` of each JSON line of pino. */
const told = (written: string[]): string[] =>
  written.map((line) => {
    const { req, res } = JSON.parse(line) as Line
    return `${res.statusCode} ${req.url}`
  })

const sent: Sentry.Event[] = []
const sentry = Sentry.init({
  dsn: 'http://key@127.0.0.1:1/1',
  // Without its memory for events that look alike.
  integrations: (defaults) => [...defaults.filter(({ name }) => name !== 'Dedupe'), sentryIntegration()],
  beforeSend: sentryBeforeSend(),
  transport: () => ({
    async send([, items]) {
      for (const [header, payload] of items) if (header.type === 'event') sent.push(payload as Sentry.Event)
      return {}
    },
    flush: async () => true,
  }),
})
const reported = async (): Promise<(string | undefined)[]> => {
  await Sentry.flush()
  return sent.map(({ message, exception }) => message ?? exception?.values?.at(-1)?.value)
}
beforeEach(() => sent.splice(0))
afterAll(() => sentry?.close())

/** Each makes a middleware that reports every answer, and tells what has come through. */
const loggers: Record<string, () => { logger: RequestHandler; records(): string[] | Promise<unknown[]> }> = {
  'pino-http'() {
    const { stream, written } = lines()
    const logger = pinoHttp({ customLogLevel: pinoHttpLogLevel() }, stream)
    return { logger, records: () => told(written) }
  },
  pino() {
    const { stream, written } = lines()
    const log = pino({ hooks: { logMethod: pinoLogMethod() }, serializers: stdSerializers }, stream)
    return { logger: onFinish((req, res) => log.error({ req, res }, 'answered')), records: () => told(written) }
  },
  winston() {
    const { stream, written } = lines()
    const line = winston.format.printf(
      ({ res, req }) => `${(res as Line['res']).statusCode} ${(req as Line['req']).url}`,
    )
    const transports = [new winston.transports.Stream({ stream })]
    const log = winston.createLogger({ format: winston.format.combine(winstonFilter(), line), transports })
    return { logger: onFinish((req, res) => log.error('answered', { req, res })), records: () => written }
  },
  morgan() {
    const { stream, written } = lines()
    return { logger: morgan(':status :url', { skip: morganSkip(), stream }), records: () => written }
  },
  Sentry() {
    const logger = onFinish(({ url }, { statusCode }) => void Sentry.captureMessage(`${statusCode} ${url}`, 'error'))
    return { logger, records: reported }
  },
}

describe.each(Object.entries(loggers))('%s', (_name, create) => {
  it("leaves out what maintenance refused, and keeps the app's own 503 and 200 of the same time", async () => {
    const { logger, records } = create()
    expect(await visit(logger, { mode: 'on' }, ['/', '/open', '/broken'])).toEqual([503, 200, 503])
    await vi.waitFor(async () => expect(await records()).toEqual(['200 /open', '503 /broken']))
  })

  it('knows a refusal by the decision, whatever its status', async () => {
    const { logger, records } = create()
    expect(await visit(logger, { mode: 'on', statusCode: 500 }, ['/', '/broken'])).toEqual([500, 503])
    await vi.waitFor(async () => expect(await records()).toEqual(['503 /broken']))
  })

  it('keeps every record while the mode is off', async () => {
    const { logger, records } = create()
    expect(await visit(logger, { mode: 'off' }, ['/', '/broken'])).toEqual([200, 503])
    await vi.waitFor(async () => expect(await records()).toEqual(['200 /', '503 /broken']))
  })
})

/** Request and response of one refusal, and of one request that passed. */
async function refusal(): Promise<{ req: IncomingMessage; res: ServerResponse; passed: ServerResponse }> {
  const maintenance = createMaintenance({ mode: 'on', ignoreUrls: ['/open'], silence: ['pinned-mode'] })
  closers.push(() => maintenance.close())
  const guarded = withMaintenanceMode(maintenance, (_req, res) => void res.writeHead(503).end())
  const seen: [IncomingMessage, ServerResponse][] = []
  const origin = await listen((req, res) => {
    seen.push([req, res])
    guarded(req, res)
  })
  for (const path of ['/', '/open']) await fetch(origin + path, { headers: { Connection: 'close' } })
  const [[req, res], [, passed]] = seen as [(typeof seen)[0], (typeof seen)[0]]
  return { req, res, passed }
}

describe('pino', () => {
  const level = (line: string | undefined): unknown => JSON.parse(line ?? '{}').level

  it('lowers records of refusals to the chosen level, and raises none', async () => {
    const { req, res, passed } = await refusal()
    const { stream, written } = lines()
    const log = pino({ level: 'trace', hooks: { logMethod: pinoLogMethod('info') } }, stream).child({ part: 'shop' })
    log.error({ res }, 'refused')
    log.debug({ req }, 'refused')
    log.error({ res: passed }, 'the app')
    log.error('no request')
    expect(written.map(level)).toEqual([30, 20, 50, 50])
  })

  it.each<[string, (log: Logger, req: IncomingMessage, res: ServerResponse) => void]>([
    ['the request itself', (log, req) => log.error(req)],
    ['the response itself', (log, _req, res) => log.error(res, 'refused')],
    ['what a serializer has made of it', (log, req) => log.error({ request: stdSerializers.req(req) })],
    ['an error caused by it', (log, _req, res) => log.error(new Error('refused', { cause: res }))],
  ])('knows a record that is given %s', async (_what, write) => {
    const { req, res, passed } = await refusal()
    const { stream, written } = lines()
    const log = pino({ hooks: { logMethod: pinoLogMethod() } }, stream)
    write(log, req, res)
    expect(written).toEqual([])
    write(log, passed.req, passed)
    expect(written).toHaveLength(1)
  })

  it('asks for the level of every other answer in pino-http, and takes another one for refusals', async () => {
    const { stream, written } = lines()
    const logger = pinoHttp(
      {
        level: 'trace',
        customLogLevel: pinoHttpLogLevel((_req, res) => (res.statusCode < 500 ? 'debug' : 'error'), 'trace'),
      },
      stream,
    )
    await visit(logger, { mode: 'on' }, ['/', '/open', '/broken'])
    await vi.waitFor(() => expect(written.map(level)).toEqual([10, 20, 50]))
  })
})

describe('winston', () => {
  it('finds the response also where the message looks like a format', async () => {
    const { res, passed } = await refusal()
    const { stream, written } = lines()
    const transports = [new winston.transports.Stream({ stream })]
    const format = winston.format.combine(
      winstonFilter(),
      winston.format.printf(({ message }) => String(message)),
    )
    const log = winston.createLogger({ format, transports })
    log.error('503 /caf%c3%a9', { res })
    log.child({ res }).error('refused')
    log.error('503 /th%c3%a9', { res: passed })
    await vi.waitFor(() => expect(written).toEqual(['503 /th%c3%a9']))
  })
})

describe('morgan', () => {
  it('skips what another skip says besides', async () => {
    const { stream, written } = lines()
    const skip = morganSkip((_req, res: ServerResponse) => res.statusCode < 500)
    await visit(morgan(':url', { skip, stream }), { mode: 'on' }, ['/', '/open', '/broken'])
    await vi.waitFor(() => expect(written).toEqual(['/broken']))
  })
})

describe('Sentry', () => {
  it('reports what went wrong before the request was refused', async () => {
    const logger: RequestHandler = (_req, _res, next) => {
      Sentry.captureException(new Error('the counter is down'))
      next()
    }
    await visit(logger, { mode: 'on' }, ['/'])
    expect(await reported()).toEqual(['the counter is down'])
  })

  it('reports an error that nobody handled, also where the request was refused', async () => {
    const logger = onFinish((_req, res) => {
      const unhandled = { mechanism: { handled: false, type: 'middleware' } }
      Sentry.captureException(new Error('caught'))
      Sentry.captureException(new Error('not caught'), unhandled)
      Sentry.captureException(new Error('caused by the refusal', { cause: res }), unhandled)
    })
    await visit(logger, { mode: 'on' }, ['/'])
    expect(await reported()).toEqual(['not caught'])
  })

  it('drops only errors caused by a refusal in beforeSend, and hands on the rest', async () => {
    const { res, passed } = await refusal()
    const seen: unknown[] = []
    const beforeSend = sentryBeforeSend((event: { tag?: string }, hint: { originalException?: unknown }) => {
      seen.push(hint.originalException)
      return { ...event, tag: 'seen' }
    })
    expect(beforeSend({}, { originalException: new Error('refused', { cause: res }) })).toBeNull()
    const own = new Error('the app', { cause: passed })
    expect(beforeSend({}, { originalException: own })).toEqual({ tag: 'seen' })
    expect(seen).toEqual([own])
    const event = {}
    expect(sentryBeforeSend()(event, { originalException: 'a message' })).toBe(event)
  })
})

describe('isMaintenanceRefusal', () => {
  it('knows request, response, what holds them and what they caused', async () => {
    const { req, res } = await refusal()
    const nested = new Error('outer', { cause: new Error('inner', { cause: { res } }) })
    const holding = Object.assign(new Error('holding'), { response: res })
    for (const value of [req, res, { raw: req }, { res }, { ...res }, nested, holding, { err: nested }]) {
      expect(isMaintenanceRefusal(value)).toBe(true)
    }
  })

  it('takes nothing else for one, and no strange value breaks it', async () => {
    const { passed } = await refusal()
    const cyclic: Error & { self?: unknown } = new Error('cyclic')
    cyclic.cause = cyclic
    cyclic.self = cyclic
    const throwing = Object.defineProperty({}, 'res', {
      enumerable: true,
      get() {
        throw new Error('not now')
      },
    })
    const others = [passed, passed.req, { res: passed }, { statusCode: 503 }, { raw: null }, cyclic, throwing]
    for (const value of [...others, undefined, null, 503, 'refused', () => {}]) {
      expect(isMaintenanceRefusal(value)).toBe(false)
    }
  })

  it('knows a redirect made by redirectUrl', async () => {
    const seen: boolean[] = []
    const redirectUrl = 'https://status.example.com/'
    const maintenance = createMaintenance({ mode: 'on', redirectUrl, silence: ['pinned-mode'] })
    closers.push(() => maintenance.close())
    const guarded = withMaintenanceMode(maintenance, () => {})
    const origin = await listen((req, res) => {
      guarded(req, res)
      seen.push(isMaintenanceRefusal(res))
    })
    const headers = { Accept: 'text/html', Connection: 'close' }
    expect((await fetch(origin, { headers, redirect: 'manual' })).status).toBe(302)
    expect(seen).toEqual([true])
  })
})

const page = readFileSync(`${root}/docs/log-filters.md`, 'utf8')
const snippets = [...page.matchAll(/^## ([^\n]+)\n(?:(?!^## ).)*?^```js\n(.*?)^```$/gms)]

/** Runs a snippet in a process of its own, its app failing by itself, and visits a closed and an open path. */
async function run(snippet: string, environment: Record<string, string> = {}): Promise<string> {
  const app = snippet
    .replace("app.get('/', (req, res) => res.send('Hello'))", 'app.use((req, res) => res.sendStatus(503))')
    .replace("res.end('Hello')", 'res.writeHead(503).end()')
    .replace('.listen(3000)', '.listen(0, visit)')
  const visit = `async function visit() {
    const origin = 'http://127.0.0.1:' + this.address().port
    for (const path of ['/closed', '/broken']) await fetch(origin + path, { headers: { Connection: 'close' } })
    this.close()
    ${snippet.includes('Sentry') ? 'await Sentry.flush()' : ''}
  }`
  const env = { ...process.env, MAINTENANCE_MODE: 'on', MAINTENANCE_MODE_IGNORE_URLS: '/broken', ...environment }
  const line = ['--input-type=module', '--eval', `${app}\n${visit}`]
  const { stdout, stderr } = await promisify(execFile)(process.execPath, line, { cwd: root, env, timeout: 50_000 })
  return stdout + stderr
}

describe('the docs', () => {
  it('have a snippet for each library', () => {
    const names = snippets.map(([, name]) => name)
    expect(names).toEqual(['pino-http', 'pino', 'winston', 'morgan', 'Sentry', 'Any other logger'])
  })

  it.each(snippets.filter(([, name]) => name !== 'Sentry').map(([, name, code]) => [name, code as string]))(
    'log nothing of a refusal with the snippet for %s',
    async (_name, code) => {
      const output = await run(code)
      expect(output).toContain('/broken')
      expect(output).not.toContain('/closed')
    },
  )

  it('report nothing of a refusal with the snippet for Sentry, and count it as no failure', async () => {
    const envelopes: Record<string, unknown>[] = []
    const origin = await listen(async (req, res) => {
      for (const line of (await text(req)).trim().split('\n')) envelopes.push(JSON.parse(line))
      res.end('{}')
    })
    const [, , code] = snippets.find(([, name]) => name === 'Sentry') as RegExpExecArray
    const dsn = `${origin.replace('//', '//key@')}/1`
    await run(code as string, { SENTRY_DSN: dsn, SENTRY_TRACES_SAMPLE_RATE: '1' })

    expect(envelopes.flatMap(({ message }) => message ?? [])).toEqual(['503 /broken'])
    interface Span {
      status: string
      attributes: Record<string, { value: unknown }>
    }
    const spans = envelopes.flatMap(({ items }) => (items ?? []) as Span[])
    const requests = spans.filter(({ attributes }) => attributes['sentry.op']?.value === 'http.server')
    expect(requests.map(({ status, attributes }) => [attributes['url.path']?.value, status])).toEqual([
      ['/closed', 'ok'],
      ['/broken', 'error'],
    ])
  })
})
