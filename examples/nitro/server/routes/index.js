import { defineHandler } from 'nitro'

export default defineHandler(() => 'Hello from Nitro')
