import type { HelperOperation } from '../linux/helper/helper.ts'
export const storageOperations: Readonly<Record<string, HelperOperation>> = {}
