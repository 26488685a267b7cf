'use strict';

const { badRequest, gone } = require('./errors');

const DEFAULT_PAGE = 100;
const NAME_CACHE_IS_STALE = 1000;

/** Positions mean something only in the container, and in the store, that counted them. */
const issuer = (container, storeId) => `${storeId}:${container.read()._rid}`;

/**
 * The position that a continuation token stands for.
 * A token of another store or container, or from a future this store has lost, is refused with 410: an empty page
 * would look like "no changes" for ever. The sub-status is one that the Python SDK raises instead of retrying.
 */
function parseToken(token, container, storeId) {
  const parts = /^"?([^":]+:[^":]+):(\d+)"?$/.exec(token);
  if (!parts) {
    throw badRequest(`The continuation token ${token} is invalid`);
  }
  const lsn = Number(parts[2]);
  if (parts[1] !== issuer(container, storeId) || lsn > container.documents.lsn) {
    throw gone(`The continuation token ${token} was not issued by this container of this store`, NAME_CACHE_IS_STALE);
  }
  return lsn;
}

function startingPoint(headers, container, storeId) {
  const token = headers['if-none-match'];
  if (!token) {
    return 0;
  }
  return token === '*' ? container.documents.lsn : parseToken(token, container, storeId);
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
  const modifiedSince = headers['if-modified-since'];
  const since = modifiedSince ? Date.parse(modifiedSince) / 1000 : 0;
  const limit = Number(headers['x-ms-max-item-count']) > 0 ? Number(headers['x-ms-max-item-count']) : DEFAULT_PAGE;
  const after = startingPoint(headers, container, storeId);
  const { documents, position } = collect(container.documents, after, since, limit);
  const etag = `"${issuer(container, storeId)}:${position}"`;
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
