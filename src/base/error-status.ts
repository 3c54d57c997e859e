import type { ErrorCode } from './errors.ts'

/** The HTTP status (as Docker and Podman use them) and the gRPC status (as the CRI uses them) of every error code. @public */
export const errorStatus = {
  'not-found': { http: 404, grpc: 'NOT_FOUND' },
  'already-exists': { http: 409, grpc: 'ALREADY_EXISTS' },
  ambiguous: { http: 404, grpc: 'INVALID_ARGUMENT' },
  'in-use': { http: 409, grpc: 'FAILED_PRECONDITION' },
  'invalid-argument': { http: 400, grpc: 'INVALID_ARGUMENT' },
  'invalid-state': { http: 409, grpc: 'FAILED_PRECONDITION' },
  conflict: { http: 409, grpc: 'ABORTED' },
  unsupported: { http: 501, grpc: 'UNIMPLEMENTED' },
  unavailable: { http: 503, grpc: 'UNAVAILABLE' },
  'command-failed': { http: 500, grpc: 'INTERNAL' },
  'partial-failure': { http: 409, grpc: 'INTERNAL' },
  'permission-denied': { http: 403, grpc: 'PERMISSION_DENIED' },
  registry: { http: 502, grpc: 'UNAVAILABLE' },
  trust: { http: 403, grpc: 'PERMISSION_DENIED' },
  corrupt: { http: 500, grpc: 'DATA_LOSS' },
  'no-space': { http: 507, grpc: 'RESOURCE_EXHAUSTED' },
  'slow-consumer': { http: 500, grpc: 'RESOURCE_EXHAUSTED' },
  closed: { http: 503, grpc: 'UNAVAILABLE' },
  internal: { http: 500, grpc: 'INTERNAL' },
} as const satisfies Record<ErrorCode, { readonly http: number; readonly grpc: string }>
