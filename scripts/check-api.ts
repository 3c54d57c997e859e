import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { Extractor, ExtractorConfig, type ExtractorMessage } from '@microsoft/api-extractor'
import { entryPoints } from './entry-points.ts'

/**
 * Compares the public surface of the built package with the reports in api/, one for each entry point. With `--write`
 * it brings the reports up to date: the diff is what a reviewer reads.
 */
const write = process.argv.includes('--write')
const base = ExtractorConfig.loadFile(resolve('api-extractor.json'))
let failed = false

for (const { subpath, output } of entryPoints) {
  const types = resolve('dist', `${output}.d.ts`)
  if (!existsSync(types)) throw new Error(`dist/${output}.d.ts is missing. Run: npm run build`)
  const name = subpath === '.' ? 'libpod-ts' : `libpod-ts.${subpath.slice(2).replaceAll('/', '.')}`
  const config = ExtractorConfig.prepare({
    configObject: {
      ...base,
      projectFolder: resolve('.'),
      mainEntryPointFilePath: types,
      apiReport: { ...base.apiReport, enabled: true, reportFileName: `${name}.api.md` },
    },
    configObjectFullPath: resolve('api-extractor.json'),
    packageJsonFullPath: resolve('package.json'),
  })
  const messages: string[] = []
  const { succeeded, apiReportChanged } = Extractor.invoke(config, {
    localBuild: write,
    messageCallback: (message) => collect(message, messages),
  })
  for (const message of messages) console.log(`${subpath}: ${message}`)
  if (apiReportChanged && !write)
    console.log(`${subpath}: api/${name}.api.md is not what the code says. Look at the change, then run: npm run api`)
  if (apiReportChanged && write) console.log(`${subpath}: api/${name}.api.md is rewritten`)
  failed ||= !succeeded && (!write || messages.length > 0)
}
process.exitCode = failed ? 1 : 0

function collect(message: ExtractorMessage, into: string[]): void {
  message.handled = true
  if (message.logLevel !== 'error' && message.logLevel !== 'warning') return
  if (message.messageId === 'console-api-report-not-copied' || message.messageId === 'console-api-report-copied') return
  const place = message.sourceFilePath === undefined ? '' : ` (${message.sourceFilePath}:${message.sourceFileLine})`
  into.push(`${message.text}${place}`)
}
