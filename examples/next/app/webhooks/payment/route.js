export function POST() {
  return new Response(null, { status: 204 })
}
