/**
 * Where the engine tells what it noticed but could not report to a caller. `console` and pino fit.
 *
 * @public
 */
export interface Logger {
  /** Details for whoever debugs the engine. */
  debug(message: string): void
  /** Something is not as it should be; the engine goes on. */
  warn(message: string): void
  /** Something failed that nobody waits for. */
  error(message: string): void
}

/** Says nothing. */
export const silentLogger: Logger = { debug() {}, warn() {}, error() {} }
