import type { KindDefinition } from '../state/registry-types.ts'
export const imageKinds: readonly KindDefinition[] = [{ kind: 'image', nameScope: 'image', format: 1 }]
export async function openStorage(_: any): Promise<any> {
  const snapshots = { driver: 'overlay', async remove() {}, async *list() {}, async stat() {} }
  return {
    snapshots,
    reason: undefined,
    readyImage: async () => {
      throw new Error('no')
    },
    services: {},
    collectGarbage: async () => ({ reclaimedBytes: 0 }),
  }
}
