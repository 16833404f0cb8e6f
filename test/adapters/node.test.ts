import { once } from 'node:events'
import { createServer, type RequestListener, request as send } from 'node:http'
import { connect } from 'node:net'
import { attachMaintenanceMode, maintenanceMode, withMaintenanceMode } from 'maintenance-mode/node'
import { describe, expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { atEnd, listen, maintain } from './opened.js'

/** Sends bytes as they are, and returns all that comes back. */
async function raw(site: string, bytes: string): Promise<string> {
  const socket = connect(Number(new URL(site).port), '127.0.0.1')
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.end(bytes)
  await once(socket, 'close')
  return Buffer.concat(chunks).toString()
}

const hello: RequestListener = (req, res) => void res.end(`hello ${req.url}`)

describe('withMaintenanceMode around a request listener', () => {
  it('passes everything on while the mode is off', async () => {
    const site = await listen(createServer(withMaintenanceMode(maintain(), hello)))
    const answer = await fetch(`${site}/tea?x=1`)
    expect([answer.status, await answer.text()]).toEqual([200, 'hello /tea?x=1'])
    expect(answer.headers.has('maintenance-mode')).toBe(false)
  })

  it('refuses while it is on, and lets through again when it is off', async () => {
    const maintenance = maintain()
    const site = await listen(createServer(withMaintenanceMode(maintenance, hello)))
    await maintenance.setMode('on', { reason: 'Moving house' })
    const refused = await fetch(`${site}/`)
    expect(refused.status).toBe(503)
    expect(refused.headers.get('cache-control')).toBe('no-store')
    expect(refused.headers.get('maintenance-mode')).toBe('on')
    expect(refused.headers.get('retry-after')).toBe('3600')
    expect(await refused.text()).toContain('Moving house')
    await maintenance.setMode('off')
    expect((await fetch(`${site}/`)).status).toBe(200)
  })

  it('answers HEAD with the headers of GET and no body', async () => {
    const maintenance = maintain()
    const site = await listen(createServer(withMaintenanceMode(maintenance, hello)))
    await maintenance.setMode('on')
    const { headers: get } = await fetch(site)
    const answer = await raw(site, 'HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    expect(answer).toMatch(/^HTTP\/1\.1 503 /)
    expect(answer).toContain(`Content-Length: ${get.get('content-length')}\r\n`)
    expect(answer.endsWith('\r\n\r\n')).toBe(true)
  })

  it('lets a health check through by GET and HEAD, in every mode, and nothing else there', async () => {
    const maintenance = maintain()
    const site = await listen(createServer(withMaintenanceMode(maintenance, hello)))
    await maintenance.setMode('on')
    const statuses = await Promise.all(
      ['GET', 'HEAD', 'POST', 'DELETE'].map(async (method) => (await fetch(`${site}/healthz`, { method })).status),
    )
    expect(statuses).toEqual([200, 200, 503, 503])
  })

  it('keeps the connection usable after it has refused an upload', async () => {
    const maintenance = maintain()
    const site = await listen(createServer(withMaintenanceMode(maintenance, hello)))
    await maintenance.setMode('on')
    const body = 'x'.repeat(100_000)
    const upload = `POST /files HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    const answer = await raw(site, `${upload}GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 503', 'HTTP/1.1 200'])
  })

  it('marks what passes because of who asks as private, and leaves what is open for all', async () => {
    const maintenance = maintain({ ignoreUrls: ['/open'], ignoreIpAddresses: ['127.0.0.1'] })
    const app: RequestListener = (_req, res) => {
      res.writeHead(200, { 'Cache-Control': 'public, max-age=600', 'Surrogate-Control': 'max-age=600' })
      res.end()
    }
    const site = await listen(createServer(withMaintenanceMode(maintenance, app)))
    await maintenance.setMode('on')
    const personal = await fetch(`${site}/`)
    expect(personal.headers.get('cache-control')).toBe('private, no-store')
    expect(personal.headers.has('surrogate-control')).toBe(false)
    await maintenance.setMode('off')
    expect((await fetch(`${site}/`)).headers.get('cache-control')).toBe('public, max-age=600')
  })

  it('survives what a client may send: odd targets, broken escapes, long addresses, conflicting headers', async () => {
    const maintenance = maintain({
      ignoreUrls: ['/open/**'],
      ignoreIpAddresses: ['203.0.113.7'],
      trustProxy: 1,
      routes: { '/beta': 'on' },
    })
    const site = await listen(createServer(withMaintenanceMode(maintenance, hello)))
    await maintenance.setMode('on')
    const targets = [
      '/%',
      '/%ff',
      '/%00',
      '//',
      '/..',
      '*',
      'http://elsewhere/x',
      `/${'a'.repeat(15_000)}`,
      '/open/%2e%2e/x',
      '/\\',
    ]
    const headers = [
      '',
      'X-Forwarded-For: 203.0.113.7\r\nForwarded: for=198.51.100.1\r\n',
      'X-Forwarded-For: 203.0.113.7, junk\r\nX-Forwarded-For: ,,\r\n',
      'Forwarded: for="[::1"\r\n',
      'Accept: ;;;q=x,*/*;q=-1\r\n',
    ]
    for (const target of targets) {
      for (const extra of headers) {
        const method = target === '*' ? 'OPTIONS' : 'GET'
        const answer = await raw(site, `${method} ${target} HTTP/1.1\r\nHost: x\r\n${extra}Connection: close\r\n\r\n`)
        expect(answer, `${target} ${extra}`).toMatch(/^HTTP\/1\.1 (503|400|431) /)
      }
    }
    expect((await fetch(`${site}/open/x`)).status).toBe(200)
  })

  it('refuses over a unix socket, where a client has no address, although an address rule is set', async () => {
    const maintenance = maintain({ ignoreIpAddresses: ['0.0.0.0/0', '::/0', /.*/] })
    const server = createServer(withMaintenanceMode(maintenance, hello))
    const path = `/tmp/maintenance-mode-${process.pid}-${Date.now()}.sock`
    server.listen(path)
    await once(server, 'listening')
    atEnd(() => server.close())
    await maintenance.setMode('on')
    const req = send({ socketPath: path, path: '/' }).end()
    const [res] = await once(req, 'response')
    expect(res.statusCode).toBe(503)
    res.resume()
    await once(res, 'end')
  })

  it('goes on when the last word of the operator cannot be sent', async () => {
    const said: string[] = []
    const maintenance = maintain({
      logger: { warn: (message) => said.push(message), error: (message) => said.push(message) },
      reply: (_decision, _request, reply) => ({ ...reply, headers: { Bad: 'a\nb' } }),
    })
    const site = await listen(createServer(withMaintenanceMode(maintenance, hello)))
    await maintenance.setMode('on')
    const answers = await Promise.all([fetch(site), fetch(site)])
    expect(answers.map(({ status }) => status)).toEqual([503, 503])
    expect(said.filter((message) => message.includes('cannot be sent'))).toHaveLength(1)
  })
})

describe('maintenanceMode as a middleware', () => {
  it('calls next for what passes, and answers what does not', async () => {
    const maintenance = maintain({ ignoreUrls: ['/open'] })
    const middleware = maintenanceMode(maintenance)
    const site = await listen(createServer((req, res) => middleware(req, res, () => hello(req, res))))
    expect((await fetch(site)).status).toBe(200)
    await maintenance.setMode('on')
    expect((await fetch(site)).status).toBe(503)
    expect((await fetch(`${site}/open`)).status).toBe(200)
  })
})

describe('attachMaintenanceMode', () => {
  it('refuses a WebSocket with a real 503, and lets it through when the mode is off', async () => {
    const maintenance = maintain()
    const server = createServer(withMaintenanceMode(maintenance, hello))
    attachMaintenanceMode(server, maintenance)
    const sockets = new WebSocketServer({ server })
    const site = (await listen(server)).replace('http', 'ws')

    const open = new WebSocket(site)
    await once(open, 'open')
    open.terminate()

    await maintenance.setMode('on')
    const refused = new WebSocket(site)
    const [, response] = await once(refused, 'unexpected-response')
    expect(response.statusCode).toBe(503)
    expect(response.headers['maintenance-mode']).toBe('on')
    expect(response.headers['retry-after']).toBe('3600')
    response.destroy()
    sockets.close()
  })

  it('lets the WebSocket of an exempt address through', async () => {
    const maintenance = maintain({ ignoreIpAddresses: ['127.0.0.1'], ignoreRequest: async () => undefined })
    const server = createServer()
    new WebSocketServer({ server })
    attachMaintenanceMode(server, maintenance)
    const site = (await listen(server)).replace('http', 'ws')
    await maintenance.setMode('on')
    const open = new WebSocket(site)
    await once(open, 'open')
    open.terminate()
  })

  it('refuses an upload that asks first, before any of its body is sent', async () => {
    const maintenance = maintain()
    const server = createServer(withMaintenanceMode(maintenance, hello))
    attachMaintenanceMode(server, maintenance)
    const site = await listen(server)
    await maintenance.setMode('on')
    const ask = 'POST /files HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1000000\r\n\r\n'
    const answer = await raw(site, ask)
    expect(answer).toMatch(/^HTTP\/1\.1 503 /)
    expect(answer).not.toContain('100 Continue')
    expect(answer).toMatch(/^connection: close\r$/im)
  })

  it('lets one that asks go on while the mode is off, also past a listener of the app', async () => {
    const maintenance = maintain()
    const server = createServer((req, res) => void req.resume().on('end', () => res.end('stored')))
    attachMaintenanceMode(server, maintenance)
    const site = await listen(server)
    const put = 'PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok'
    expect(await raw(site, put)).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 [\s\S]*stored/)
    server.on('checkContinue', (_req, res) => res.writeHead(417, { Connection: 'close' }).end())
    expect(await raw(site, put)).toMatch(/^HTTP\/1\.1 417 /)
  })

  it('is taken off again', async () => {
    const maintenance = maintain()
    const server = createServer(hello)
    const { emit } = server
    attachMaintenanceMode(server, maintenance)()
    expect(server.emit).toBe(emit)
    expect(server.listenerCount('checkContinue')).toBe(0)
  })
})
