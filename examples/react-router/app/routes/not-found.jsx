import { data } from 'react-router'

// No middleware runs for what no route matches.
export function loader() {
  throw data('Not found', { status: 404 })
}

export default function NotFound() {
  return null
}
