import { serveHelper } from '../../linux/helper/serve.ts'
import { prepareNamespaces } from '../../linux/namespaces.ts'
import { storageOperations } from '../helper-operations.ts'

/** The program that tests run storage's part of the helper in. */
await prepareNamespaces()
serveHelper(storageOperations)
