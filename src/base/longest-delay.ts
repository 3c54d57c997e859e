/** The longest delay that a timer of Node can have, in milliseconds: some 24 days. A longer one would be over at once. */
export const longestDelayMs = 0x7fff_ffff
