import { isMaintenanceRefusal } from '../refused.js'

/** What winston needs of a format. */
export interface WinstonFormat {
  transform<Info extends object>(info: Info): Info | false
}

// Where winston keeps what followed the message, whether or not it has merged it into the record.
const splat = Symbol.for('splat')

/**
 * A format for winston that drops records of what maintenance refused: those that hold its request or response, or an
 * error caused by it. It comes first in `combine`, before another format makes text of them.
 *
 * @example winston.createLogger({ format: winston.format.combine(winstonFilter(), winston.format.json()) })
 */
export function winstonFilter(): WinstonFormat {
  return {
    transform(info) {
      const { [splat]: rest } = info as { [splat]?: unknown }
      const parts = Array.isArray(rest) ? [info, ...rest] : [info]
      return parts.some(isMaintenanceRefusal) ? false : info
    },
  }
}
