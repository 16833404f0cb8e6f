import { maintenanceControls, maintenanceMode } from 'maintenance-mode/react-router'
import { useEffect } from 'react'
import { isRouteErrorResponse, Links, Meta, Outlet, Scripts } from 'react-router'
import { maintenance } from './maintenance.server.js'

// the middleware that finds out who the user is comes first, if users are to get through
export const middleware = [maintenanceMode(maintenance), maintenanceControls(maintenance)]

export function Layout({ children }) {
  return (
    <html lang="en">
      <head>
        <meta charSet="utf-8" />
        <Meta />
        <Links />
      </head>
      <body>
        {children}
        <Scripts />
      </body>
    </html>
  )
}

export default Outlet

export function ErrorBoundary({ error }) {
  const status = isRouteErrorResponse(error) ? error.status : 500
  // Closed while somebody was on the site: a page came in place of data.
  const closed = isRouteErrorResponse(error) && /^<!doctype html>/i.test(error.data)
  useEffect(() => {
    if (closed) location.reload()
  }, [closed])
  return <h1>{status}</h1>
}
