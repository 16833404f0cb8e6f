import { siteRoutes } from 'maintenance-mode/testing'

const found = new Map<string, string[]>()
for (const { method, under, path } of siteRoutes) {
  if (path !== '/assets/app.css') found.set(under + path, [...(found.get(under + path) ?? []), method])
}

/** The paths of the fixture with their methods, for frameworks in which a path is a file; without the static file. */
export const sitePaths: ReadonlyMap<string, readonly string[]> = found
