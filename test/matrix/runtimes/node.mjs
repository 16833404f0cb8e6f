import { createServer } from 'node:http'
import { sendSiteResponse, toSiteRequest } from 'maintenance-mode/testing'
import { createSite } from './site.mjs'

const handle = createSite(JSON.parse(process.env.SITE_SETTINGS))
createServer((req, res) => sendSiteResponse(res, handle(toSiteRequest(req)))).listen(process.env.PORT, '127.0.0.1')
