'use strict';

const { badRequest, gone } = require('./errors');

const DEFAULT_PAGE = 100;
const NAME_CACHE_IS_STALE = 1000;

const formatToken = (storeId, lsn) => `"${storeId}:${lsn}"`;

/**
 * The position that a continuation token stands for.
 * A token of another store, or from a future this store has lost, is refused with 410: an empty page would
 * look like "no changes" for ever. The sub-status is one that the Python SDK raises instead of retrying.
 */
function parseToken(token, storeId, currentLsn) {
  const parts = /^"?([0-9a-f]+):(\d+)"?$/.exec(token);
  if (!parts) {
    throw badRequest(`The continuation token ${token} is invalid`);
  }
  const lsn = Number(parts[2]);
  if (parts[1] !== storeId || lsn > currentLsn) {
    throw gone(`The continuation token ${token} was not issued by this store (${storeId})`, NAME_CACHE_IS_STALE);
  }
  return lsn;
}

function startingPoint(headers, store, storeId) {
  const token = headers['if-none-match'];
  if (!token) {
    return 0;
  }
  return token === '*' ? store.lsn : parseToken(token, storeId, store.lsn);
}

function refuseUnsupported(headers) {
  if (/full-fidelity/i.test(headers['a-im'])) {
    throw badRequest('The AllVersionsAndDeletes change feed is not supported');
  }
  if (headers['x-ms-start-epk'] || headers['x-ms-documentdb-partitionkey']) {
    throw badRequest('The change feed of a partition key or sub-range is not supported');
  }
}

/** The latest versions written behind `after`, oldest first; the changes of one commit are never split over two pages. */
function collect(store, after, since, limit) {
  const documents = [];
  let position = after;
  for (const record of store.recordsAfter(after)) {
    if (documents.length >= limit && record.lsn !== position) {
      return { documents, position };
    }
    position = record.lsn;
    if (!record.superseded && record.document._ts >= since && store.isAlive(record)) {
      documents.push({ ...record.document, _lsn: record.lsn });
    }
  }
  return { documents, position: store.lsn };
}

/** One page of the incremental feed; 304 with a token when there is nothing new. */
function readChangeFeed(container, storeId, headers) {
  refuseUnsupported(headers);
  const store = container.documents;
  const modifiedSince = headers['if-modified-since'];
  const since = modifiedSince ? Date.parse(modifiedSince) / 1000 : 0;
  const limit = Number(headers['x-ms-max-item-count']) > 0 ? Number(headers['x-ms-max-item-count']) : DEFAULT_PAGE;
  const { documents, position } = collect(store, startingPoint(headers, store, storeId), since, limit);
  const etag = formatToken(storeId, position);
  if (documents.length === 0) {
    return { statusCode: 304, etag };
  }
  return {
    statusCode: 200,
    etag,
    headers: { 'x-ms-item-count': String(documents.length) },
    body: { _rid: container.read()._rid, Documents: documents, _count: documents.length },
  };
}

module.exports = { readChangeFeed };
