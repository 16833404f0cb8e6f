export default function Page() {
  return <h1>Tea shop</h1>
}
