// The other process of the tests of event logs.
import { draftOf } from '../event-log.cases.ts'
import { createFileEventLog } from './file.ts'

const [directory = '', maxSizeBytes = '', name = '', events = ''] = process.argv.slice(2)
const log = createFileEventLog({ directory, maxSizeBytes: Number(maxSizeBytes) })
for (let at = 0; at < Number(events); at++) await log.append(draftOf(`${name}/${at}`))
await log.close()
