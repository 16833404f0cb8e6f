import express from 'express'
import { maintenanceMode } from 'maintenance-mode/express'
import { pinoHttpLogLevel } from 'maintenance-mode/log-filters'
import { pinoHttp } from 'pino-http'
import { expect, it } from 'vitest'
import { say, serve } from '../adapters/express-site.js'
import { open } from './site.js'

it('34. while on a 503 is not logged and a 200 is, while off both are (here: a 503 of the app’s own always is)', async () => {
  const records: string[] = []
  const write = (line: string): void => {
    const { req, res } = JSON.parse(line)
    records.push(`${res.statusCode} ${req.url}`)
  }
  const { maintenance } = open({ ignoreUrls: ['/open/**'] })
  const app = express()
  app.use(pinoHttp({ customLogLevel: pinoHttpLogLevel() }, { write }))
  app.use(maintenanceMode(maintenance))
  app.get(['/broken', '/open/broken'], (_req, res) => void res.sendStatus(503))
  app.use(say('open'))
  const ask = await serve(app)
  const logged = async (): Promise<string[]> => {
    for (const path of ['/', '/broken', '/open', '/open/broken']) await ask(path)
    return records.splice(0)
  }
  await maintenance.setMode('on')
  expect(await logged()).toEqual(['200 /open', '503 /open/broken'])
  await maintenance.setMode('off')
  expect(await logged()).toEqual(['200 /', '503 /broken', '200 /open', '503 /open/broken'])
})
