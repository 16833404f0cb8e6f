import { isMaintenanceRefusal, isRefused } from '../refused.js'

interface SentryHint {
  originalException?: unknown
}

interface SentryEvent {
  type?: string | undefined
  exception?: { values?: { mechanism?: { handled?: boolean } }[] }
  sdkProcessingMetadata?: { normalizedRequest?: { headers?: object } }
}

interface SentryClient {
  on(
    hook: 'httpServerRequest',
    callback: (request: unknown, response: unknown, normalizedRequest: { headers?: object }) => void,
  ): unknown
  addEventProcessor(processor: <Event extends SentryEvent>(event: Event, hint: SentryHint) => Event | null): void
}

/** What Sentry needs of an integration. */
export interface SentryIntegration {
  name: string
  beforeSetup(client: SentryClient): void
}

/**
 * An integration for `@sentry/node` that drops what is reported of a request after maintenance has refused it:
 * messages, records of a logger, errors that were caught. An error that nobody handled is sent, unless the refusal
 * caused it.
 *
 * @example Sentry.init({ integrations: [sentryIntegration()] })
 */
export function sentryIntegration(): SentryIntegration {
  return {
    name: 'MaintenanceMode',
    beforeSetup(client) {
      // An event has but a copy of its request. Of that, the headers are the one object that is never copied again.
      const responses = new WeakMap<object, unknown>()
      client.on('httpServerRequest', (_request, response, { headers }) => {
        if (headers) responses.set(headers, response)
      })
      const belongsToRefusal = ({ sdkProcessingMetadata }: SentryEvent): boolean => {
        const headers = sdkProcessingMetadata?.normalizedRequest?.headers
        return headers !== undefined && isRefused(responses.get(headers))
      }
      // Added before all others, some of which wait: what was reported before the refusal must not be taken for it.
      client.addEventProcessor((event, hint) => {
        if (isMaintenanceRefusal(hint.originalException)) return null
        const isCaught = event.type === undefined && !event.exception?.values?.some(isUnhandled)
        return isCaught && belongsToRefusal(event) ? null : event
      })
    },
  }
}

function isUnhandled({ mechanism }: { mechanism?: { handled?: boolean } }): boolean {
  return mechanism?.handled === false
}

/**
 * Sentry's `beforeSend`, for SDKs without Node's requests: drops errors that hold a refused request or response, or
 * were caused by one. It cannot know the request of any other event: `sentryIntegration` does.
 *
 * @param next your own `beforeSend`, for every other event
 * @example Sentry.init({ beforeSend: sentryBeforeSend() })
 */
export function sentryBeforeSend<Event, Hint extends SentryHint, Sent = never>(
  next?: (event: Event, hint: Hint) => Sent,
): (event: Event, hint: Hint) => Event | Sent | null {
  return function sentryBeforeSend(event, hint) {
    if (isMaintenanceRefusal(hint.originalException)) return null
    return next ? next(event, hint) : event
  }
}
