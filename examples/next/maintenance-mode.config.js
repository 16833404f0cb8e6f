import { defineConfig } from 'maintenance-mode/config'

export default defineConfig({ ignoreUrls: ['/webhooks/**'] })
