import type { Engine } from '../engine.js'

/** Warns of routes that stand before maintenance mode, as far as a framework's own lists tell. */
export function warnOfRoutes({ reporter }: Engine, routesBefore: () => readonly string[]): void {
  let names: readonly string[] = []
  try {
    names = routesBefore()
  } catch {
    // A router of a shape that is not known: it tells nothing.
  }
  if (names.length === 0) return
  const [shown, more] = [names.slice(0, 3).join(', '), names.length - 3]
  reporter.warn(
    'mounted-after-routes',
    `Some routes stand before maintenance mode, and are never closed: ${shown}${more > 0 ? ` and ${more} more` : ''}. Mount it before them; what is to stay open can be named in ignoreUrls or forced off.`,
  )
}
