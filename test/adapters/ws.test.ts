import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { promisify } from 'node:util'
import { type MaintenanceOptions, SettingError } from 'maintenance-mode'
import { attachMaintenanceMode as attachToNode } from 'maintenance-mode/node'
import { createTestClock, type TestClock } from 'maintenance-mode/testing'
import { attachMaintenanceMode, type OpenSocketsOptions } from 'maintenance-mode/ws'
import { describe, expect, it } from 'vitest'
import { type ServerOptions, WebSocket, WebSocketServer } from 'ws'
import { atEnd, listen, maintain } from './opened.js'

/** An echo that says of each socket who has come by it. */
function echo(wss: WebSocketServer): WebSocketServer {
  atEnd(() => {
    for (const socket of wss.clients ?? []) socket.terminate()
    wss.close()
  })
  return wss.on('connection', (socket: WebSocket) => socket.on('message', (data) => socket.send(`echo ${data}`)))
}

async function serve(
  options: MaintenanceOptions = {},
  { closeCode, clock, ...wssOptions }: ServerOptions & OpenSocketsOptions & { clock?: TestClock } = {},
) {
  const maintenance = maintain(options, clock && { clock })
  const server = createServer((_req, res) => res.end('hello'))
  const wss = echo(new WebSocketServer({ server, ...wssOptions }))
  const detach = attachMaintenanceMode(wss, maintenance, { closeCode })
  return { maintenance, server, wss, detach, site: await listen(server) }
}

async function open(site: string, headers: Record<string, string> = {}): Promise<WebSocket> {
  const socket = new WebSocket(site, { headers })
  atEnd(() => socket.terminate())
  await once(socket, 'open')
  return socket
}

async function refused(site: string, headers: Record<string, string> = {}) {
  const socket = new WebSocket(site, { headers })
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage]
  const body = (await response.setEncoding('utf8').toArray()).join('')
  return { status: response.statusCode, headers: response.headers, body }
}

async function closing(socket: WebSocket): Promise<[number, string]> {
  const [code, reason] = await once(socket, 'close')
  return [code, String(reason)]
}

async function says(socket: WebSocket, text: string): Promise<string> {
  socket.send(text)
  const [data] = await once(socket, 'message')
  return String(data)
}

function handshake(site: string): Socket {
  const socket = connect(Number(new URL(site).port), '127.0.0.1')
  const headers = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13']
  headers.push('Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==')
  socket.write(`GET / HTTP/1.1\r\nHost: x\r\n${headers.join('\r\n')}\r\n\r\n`)
  return socket
}

/** All that comes back. */
async function raw(site: string): Promise<string> {
  return (await handshake(site).setEncoding('latin1').toArray()).join('')
}

describe('attachMaintenanceMode for a WebSocketServer', () => {
  const servers: Record<string, (wss: (options: ServerOptions) => WebSocketServer) => Promise<string>> = {
    'on a server that is given': (wss) => {
      const server = createServer()
      wss({ server })
      return listen(server)
    },
    'on a server of its own': async (wss) => {
      const own = wss({ port: 0, host: '127.0.0.1' })
      await once(own, 'listening')
      return `ws://127.0.0.1:${(own.address() as AddressInfo).port}`
    },
    'without a server': (wss) => {
      const server = createServer()
      const own = wss({ noServer: true })
      server.on('upgrade', (req, socket, head) => {
        own.handleUpgrade(req, socket, head, (accepted) => own.emit('connection', accepted, req))
      })
      return listen(server)
    },
  }

  for (const [where, build] of Object.entries(servers)) {
    it(`refuses upgrades with a real 503 while the mode is on, ${where}`, async () => {
      const maintenance = maintain()
      const site = await build((options) => {
        const wss = echo(new WebSocketServer(options))
        attachMaintenanceMode(wss, maintenance)
        return wss
      })
      const early = await open(site)
      expect(await says(early, 'tea')).toBe('echo tea')

      const closed = closing(early)
      await maintenance.setMode('on', { reason: 'Moving house' })
      expect(await closed).toEqual([1012, 'maintenance'])
      const { status, headers, body } = await refused(site)
      expect([status, headers['retry-after'], headers['maintenance-mode']]).toEqual([503, '3600', 'on'])
      expect(headers['cache-control']).toBe('no-store')
      expect(body).toContain('Moving house')

      await maintenance.setMode('off')
      expect(await says(await open(site), 'again')).toBe('echo again')
    })
  }

  it('gives the reply that attachMaintenanceMode of node gives, once', async () => {
    const { maintenance, server, site, detach } = await serve()
    await maintenance.setMode('on', { reason: 'Moving house' })
    const answer = await raw(site)
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1)
    attachToNode(server, maintenance)
    expect(await raw(site)).toBe(answer)
    detach()
    expect(await raw(site)).toBe(answer)
  })

  it('answers in the representation that is asked for', async () => {
    const { maintenance, site } = await serve()
    await maintenance.setMode('on')
    const { headers, body } = await refused(site, { Accept: 'application/json' })
    expect(headers['content-type']).toContain('application/problem+json')
    expect(JSON.parse(body)).toMatchObject({ status: 503, mode: 'on' })
  })

  it('closes what is open with 1013 where that is chosen', async () => {
    const { maintenance, site } = await serve({}, { closeCode: 1013 })
    const closed = closing(await open(site))
    await maintenance.setMode('on')
    expect(await closed).toEqual([1013, 'maintenance'])
  })

  it('leaves what is open alone where that is chosen, and refuses what comes', async () => {
    const { maintenance, site } = await serve({}, { closeCode: false })
    const early = await open(site)
    await maintenance.setMode('on')
    expect((await refused(site)).status).toBe(503)
    expect(await says(early, 'still')).toBe('echo still')
  })

  it('rejects any other code at the start', () => {
    const wss = echo(new WebSocketServer({ noServer: true }))
    const closeCode = 1000 as 1012
    expect(() => attachMaintenanceMode(wss, maintain(), { closeCode })).toThrow(SettingError)
  })

  it('closes what is open when the clock says so', async () => {
    const clock = createTestClock()
    const { maintenance, site } = await serve({}, { clock })
    const early = await open(site)
    await maintenance.setMode('on', { start: new Date(clock.now() + 60_000) })
    expect(await says(early, 'not yet')).toBe('echo not yet')
    const closed = closing(early)
    await clock.advance(60_000)
    expect(await closed).toEqual([1012, 'maintenance'])
  })

  it('keeps those that would be let through: by path, by address, by user', async () => {
    const { maintenance, site } = await serve({
      ignoreUrls: ['/open/**'],
      ignoreIpAddresses: ['203.0.113.7'],
      trustProxy: 1,
      ignoreStaff: true,
      getAuthenticatedUser: async (request) => ({
        isAuthenticated: true,
        isStaff: request.header('cookie') === 'staff=1',
        isSuperuser: false,
      }),
    })
    const staying = [
      await open(`${site}/open/feed`),
      await open(site, { 'X-Forwarded-For': '203.0.113.7' }),
      await open(site, { Cookie: 'staff=1' }),
    ]
    const going = [await open(site), await open(site, { Cookie: 'staff=0' })].map(closing)
    await maintenance.setMode('on')
    await Promise.all(going)
    for (const socket of staying) expect(await says(socket, 'here')).toBe('echo here')
    expect(await says(await open(site, { Cookie: 'staff=1' }), 'new')).toBe('echo new')
  })

  it('asks what an upgrade listener of the app has put on the request', async () => {
    const maintenance = maintain({ ignoreStaff: true })
    const server = createServer()
    const wss = echo(new WebSocketServer({ noServer: true }))
    attachMaintenanceMode(wss, maintenance)
    server.on('upgrade', (req, socket, head) => {
      Object.assign(req, { user: { isStaff: req.url === '/staff' } })
      wss.handleUpgrade(req, socket, head, (accepted) => wss.emit('connection', accepted, req))
    })
    const site = await listen(server)
    const [staff, visitor] = [await open(`${site}/staff`), await open(site)]
    const closed = closing(visitor)
    await maintenance.setMode('on')
    await closed
    expect(await says(staff, 'here')).toBe('echo here')
  })

  it('closes those that were there before it was attached', async () => {
    const maintenance = maintain({ ignoreIpAddresses: ['127.0.0.1'] })
    const server = createServer()
    const wss = echo(new WebSocketServer({ server }))
    const site = await listen(server)
    const before = [await open(site), await open(site)].map(closing)
    await maintenance.setMode('on')
    attachMaintenanceMode(wss, maintenance)
    expect(await Promise.all(before)).toEqual(Array(2).fill([1012, 'maintenance']))
  })

  it('closes those of a server that keeps no list of them', async () => {
    const { maintenance, site, wss } = await serve({}, { clientTracking: false })
    expect(wss.clients).toBeUndefined()
    const closed = closing(await open(site))
    await maintenance.setMode('on')
    expect(await closed).toEqual([1012, 'maintenance'])
  })

  it('closes one whose handshake had begun before maintenance did, and ended after all others were closed', async () => {
    let verify: ((verified: boolean) => void) | undefined
    const { maintenance, site, server } = await serve(
      {},
      {
        verifyClient({ req }, done) {
          if (req.url === '/slow') verify = done
          else done(true)
        },
      },
    )
    const early = closing(await open(site))
    const late = open(`${site}/slow`).then(closing)
    await once(server, 'upgrade')
    await maintenance.setMode('on')
    await early
    verify?.(true)
    expect(await late).toEqual([1012, 'maintenance'])
  })

  it('judges an upgrade once', async () => {
    let asked = 0
    const { maintenance, site } = await serve({
      ignoreStaff: true,
      getAuthenticatedUser: () => {
        asked++
        return { isAuthenticated: true, isStaff: true, isSuperuser: false }
      },
    })
    await maintenance.setMode('on')
    expect(await says(await open(site), 'here')).toBe('echo here')
    expect(asked).toBe(1)
  })

  it('survives a client that breaks off while its request is judged', async () => {
    let decide: ((open: boolean) => void) | undefined
    const { maintenance, site, server } = await serve({
      ignoreRequest: () =>
        new Promise<boolean>((resolve) => {
          decide = resolve
        }),
    })
    await maintenance.setMode('on')
    const leaving = handshake(site)
    const [, socket] = await once(server, 'upgrade')
    leaving.resetAndDestroy()
    await once(socket, 'close').catch(() => {})
    decide?.(true)
    await maintenance.setMode('off')
    expect(await says(await open(site), 'alive')).toBe('echo alive')
  })

  it('is open again at once when it was on for no time', async () => {
    const { maintenance, site } = await serve()
    const early = await open(site)
    const closed = closing(early)
    await maintenance.setMode('on')
    await maintenance.setMode('off')
    const fate = await Promise.race([closed.then(([code]) => code), says(early, 'still')])
    expect([1012, 'echo still']).toContain(fate)
    expect(await says(await open(site), 'back')).toBe('echo back')
  })

  it('closes a thousand', async () => {
    const { maintenance, site, wss } = await serve()
    const closings: Promise<unknown>[] = []
    for (let i = 0; i < 20; i++) {
      const batch = await Promise.all(Array.from({ length: 50 }, () => open(site)))
      closings.push(...batch.map(closing))
    }
    expect(wss.clients.size).toBe(1000)
    await maintenance.setMode('on')
    expect(new Set((await Promise.all(closings)).map(String))).toEqual(new Set(['1012,maintenance']))
    await maintenance.setMode('off')
    expect(await says(await open(site), 'back')).toBe('echo back')
  })

  it('is taken off again', async () => {
    const { maintenance, site, wss, detach } = await serve()
    const early = await open(site)
    detach()
    expect(wss.handleUpgrade).toBe(WebSocketServer.prototype.handleUpgrade)
    await maintenance.setMode('on')
    expect(await says(early, 'still')).toBe('echo still')
    expect(await says(await open(site), 'new')).toBe('echo new')
  })

  it('lets the process end', async () => {
    const script = `
      import { once } from 'node:events'
      import { createMaintenance } from 'maintenance-mode'
      import { attachMaintenanceMode } from 'maintenance-mode/ws'
      import { WebSocket, WebSocketServer } from 'ws'
      const maintenance = createMaintenance({ stateBackend: 'memory:', silence: ['memory-backend', 'no-login-url'] })
      const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' })
      attachMaintenanceMode(wss, maintenance)
      await once(wss, 'listening')
      const socket = new WebSocket('ws://127.0.0.1:' + wss.address().port)
      await once(socket, 'open')
      await maintenance.setMode('on')
      const [code] = await once(socket, 'close')
      console.log(code)
      wss.close()`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
      timeout: 10_000,
    })
    expect(stdout.trim()).toBe('1012')
  })
})
