'use strict';

const { badRequest } = require('./errors');

/**
 * The second from which a document no longer exists.
 * `defaultTtl` absent turns expiry off, whatever the item says; -1 means only items with their own `ttl` expire.
 */
function expiresAt(document, defaultTtl) {
  if (defaultTtl === undefined || defaultTtl === null) {
    return Infinity;
  }
  const ttl = document.ttl ?? defaultTtl;
  return ttl > 0 ? document._ts + ttl : Infinity;
}

function requireValidTtl(document) {
  const { ttl } = document;
  const absent = ttl === undefined || ttl === null;
  if (!absent && !(Number.isInteger(ttl) && (ttl === -1 || ttl > 0))) {
    throw badRequest("The value of 'ttl' must be -1 or a positive whole number of seconds");
  }
}

module.exports = { expiresAt, requireValidTtl };
