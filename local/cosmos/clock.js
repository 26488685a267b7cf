'use strict';

/**
 * Seconds since 1970 as the store sees them, moved by COSMOS_CLOCK_OFFSET_SECONDS
 * so that a test can look at tomorrow's expiries today.
 */
function clockFrom(environment) {
  const offset = Number(environment.COSMOS_CLOCK_OFFSET_SECONDS || 0);
  if (!Number.isFinite(offset)) {
    throw new Error('COSMOS_CLOCK_OFFSET_SECONDS must be a number of seconds');
  }
  return () => Date.now() / 1000 + offset;
}

module.exports = { clockFrom };
