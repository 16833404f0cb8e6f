import Negotiator from 'negotiator'
import type { MaintenanceRequest } from './request.js'

/** What a client is answered in. */
export type Representation = 'html' | 'json' | 'text'

const remembered = new Map<string, Representation | 'any'>()

// Scripts, styles and images ask for whatever comes: a page in their place breaks what is still open in the browser.
const subresources = new Set([
  'audio',
  'font',
  'image',
  'manifest',
  'script',
  'style',
  'track',
  'video',
  'worker',
  'xslt',
])

/**
 * What a client wants: HTML, JSON, or plain text for the rest. A client that takes anything gets what the path
 * suggests, JSON below `/api` and HTML elsewhere (RFC 9110, 12.5.1).
 */
export function wantedRepresentation(request: Pick<MaintenanceRequest, 'url' | 'header'>): Representation {
  const wanted = fromAccept(request.header('accept') ?? '')
  if (wanted !== 'any') return wanted
  const destination = request.header('sec-fetch-dest')
  if (destination !== undefined && subresources.has(destination)) return 'text'
  return isApi(request.url) ? 'json' : 'html'
}

function isApi(url: string): boolean {
  if (!url.startsWith('/api')) return false
  const next = url[4]
  return next === undefined || next === '/' || next === '?'
}

function fromAccept(accept: string): Representation | 'any' {
  const known = remembered.get(accept)
  if (known !== undefined) return known
  const wanted = negotiate(accept)
  // Clients choose their header: without a bound they could fill the memory.
  if (remembered.size >= 500) remembered.clear()
  if (accept.length <= 1000) remembered.set(accept, wanted)
  return wanted
}

function negotiate(accept: string): Representation | 'any' {
  const types = new Negotiator({ headers: accept === '' ? {} : { accept: accept.toLowerCase() } }).mediaTypes()
  for (const type of types) {
    if (type === 'text/html' || type === 'application/xhtml+xml') return 'html'
    if (type === 'application/json' || type === 'text/json' || type.endsWith('+json')) return 'json'
    if (type === 'text/plain') return 'text'
  }
  return types.length === 1 && types[0] === '*/*' ? 'any' : 'text'
}
