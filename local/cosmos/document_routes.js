'use strict';

const { runBatch } = require('./batch');
const { readChangeFeed } = require('./change_feed');
const operations = require('./document_operations');
const { badRequest, notFound } = require('./errors');
const { scopeOfHeader } = require('./partition');
const { runQuery } = require('./query');
const { Transaction } = require('./transaction');

const isTrue = (value) => String(value).toLowerCase() === 'true';

function parseBody(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw badRequest('The request body is not JSON');
  }
}

function runSingle(operation, container, request) {
  const transaction = new Transaction(container.documents);
  const result = operation(transaction, request);
  transaction.commit();
  return result;
}

function pageOf(container, query, headers) {
  const limit = Number(headers['x-ms-max-item-count']);
  const continuation = headers['x-ms-continuation'];
  const scope = scopeOfHeader(headers['x-ms-documentdb-partitionkey']);
  const { rows, continuation: next } = runQuery(query, container.documents.documents(scope), {
    maxItemCount: limit > 0 ? limit : undefined,
    continuation: continuation && parseBody(continuation),
    compositeIndexes: container.read().indexingPolicy?.compositeIndexes || [],
  });
  return {
    statusCode: 200,
    headers: { 'x-ms-item-count': String(rows.length), ...(next && { 'x-ms-continuation': JSON.stringify(next) }) },
    body: { _rid: container.read()._rid, Documents: rows, _count: rows.length },
  };
}

function queryDocuments(container, { headers, text }) {
  if (isTrue(headers['x-ms-cosmos-is-query-plan-request'])) {
    throw badRequest('Query plans are not supported');
  }
  return pageOf(container, parseBody(text), headers);
}

function postDocuments(container, { headers, text }) {
  if (isTrue(headers['x-ms-documentdb-isquery']) || /query\+json/.test(headers['content-type'])) {
    return queryDocuments(container, { headers, text });
  }
  const scope = scopeOfHeader(headers['x-ms-documentdb-partitionkey']);
  const body = parseBody(text);
  if (isTrue(headers['x-ms-cosmos-is-batch-request'])) {
    return runBatch(container.documents, scope, body);
  }
  const operation = isTrue(headers['x-ms-documentdb-is-upsert']) ? operations.upsert : operations.create;
  return runSingle(operation, container, { scope, body, ifMatch: headers['if-match'] });
}

function getDocuments(container, { headers, storeId }) {
  if (headers['a-im']) {
    return readChangeFeed(container, storeId, headers);
  }
  return pageOf(container, { query: 'SELECT * FROM c' }, headers);
}

function patchRequest(text) {
  const body = parseBody(text);
  return Array.isArray(body) ? { operations: body } : { operations: body.operations, condition: body.condition };
}

function documentRequest({ headers, id }) {
  const scope = scopeOfHeader(headers['x-ms-documentdb-partitionkey']);
  if (scope === undefined) {
    throw badRequest('The request needs a partition key');
  }
  return { scope, id, ifMatch: headers['if-match'], ifNoneMatch: headers['if-none-match'] };
}

const ON_DOCUMENT = {
  DELETE: (container, call) => runSingle(operations.remove, container, documentRequest(call)),
  GET: (container, call) => runSingle(operations.read, container, documentRequest(call)),
  PATCH: (container, call) =>
    runSingle(operations.patch, container, { ...documentRequest(call), ...patchRequest(call.text) }),
  PUT: (container, call) =>
    runSingle(operations.replace, container, { ...documentRequest(call), body: parseBody(call.text) }),
};

const ON_CONTAINER = { GET: getDocuments, POST: postDocuments };

/**
 * Answers a request for /dbs/{database}/colls/{container}/docs[/{id}].
 * `call` is { method, headers, text, id, storeId }; the answer is { statusCode, body?, etag?, headers? }.
 */
function answerDocuments(container, call) {
  if (!container.read()) {
    throw notFound();
  }
  const handler = (call.id === undefined ? ON_CONTAINER : ON_DOCUMENT)[call.method];
  if (!handler) {
    throw badRequest(`${call.method} is not supported here`);
  }
  const result = handler(container, call);
  const minimal = /return=minimal/i.test(call.headers.prefer) && call.method !== 'GET';
  return minimal ? { ...result, body: undefined, etag: result.body?._etag } : result;
}

module.exports = { answerDocuments };
