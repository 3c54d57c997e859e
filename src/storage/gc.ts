export interface GarbageReport {
  readonly reclaimedBytes: number
}
