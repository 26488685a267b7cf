'use strict';

const { badRequest, conflict, notFound, preconditionFailed } = require('./errors');
const { requireValidTtl } = require('./expiry');
const { patched } = require('./patch');
const { matches } = require('./query');

const PARTITION_KEY_MISMATCH = 1001;

/**
 * Each operation takes the transaction and { scope, id, body, ifMatch, operations, condition },
 * and answers { statusCode, body } or throws the CosmosError that refuses it.
 */

function requireWritable(transaction, scope, body) {
  if (body === null || typeof body !== 'object' || Array.isArray(body)) {
    throw badRequest('The document must be a JSON object');
  }
  if (typeof body.id !== 'string' || !/^[^/\\?#]{1,1023}$/.test(body.id)) {
    throw badRequest("The document's id must be a string of 1 to 1023 characters without / \\ ? #");
  }
  requireValidTtl(body);
  if (transaction.store.scopeOf(body) !== scope) {
    const message = 'PartitionKey extracted from document does not match the one specified in the header.';
    throw badRequest(message, PARTITION_KEY_MISMATCH);
  }
}

function requireMatch(document, ifMatch) {
  if (ifMatch && ifMatch !== '*' && ifMatch !== document._etag) {
    throw preconditionFailed();
  }
}

function existing(transaction, { scope, id, ifMatch }) {
  const document = transaction.read(scope, id);
  if (!document) {
    throw notFound();
  }
  requireMatch(document, ifMatch);
  return document;
}

function create(transaction, { scope, body }) {
  requireWritable(transaction, scope, body);
  if (transaction.read(scope, body.id)) {
    throw conflict();
  }
  return { statusCode: 201, body: transaction.write(scope, body) };
}

function upsert(transaction, { scope, body, ifMatch }) {
  requireWritable(transaction, scope, body);
  const previous = transaction.read(scope, body.id);
  if (previous) {
    requireMatch(previous, ifMatch);
  }
  return { statusCode: previous ? 200 : 201, body: transaction.write(scope, body) };
}

function replace(transaction, request) {
  requireWritable(transaction, request.scope, request.body);
  const previous = existing(transaction, request);
  if (request.body.id !== previous.id) {
    throw badRequest('The id of a document cannot change');
  }
  return { statusCode: 200, body: transaction.write(request.scope, request.body) };
}

function patch(transaction, request) {
  const previous = existing(transaction, request);
  if (request.condition && !matches(previous, request.condition)) {
    throw preconditionFailed('The condition of the patch does not hold.');
  }
  const next = patched(previous, request.operations);
  requireWritable(transaction, request.scope, next);
  if (next.id !== previous.id) {
    throw badRequest('The id of a document cannot change');
  }
  return { statusCode: 200, body: transaction.write(request.scope, next) };
}

function read(transaction, request) {
  const document = existing(transaction, { ...request, ifMatch: undefined });
  if (request.ifNoneMatch && request.ifNoneMatch === document._etag) {
    return { statusCode: 304, etag: document._etag };
  }
  return { statusCode: 200, body: document };
}

function remove(transaction, request) {
  const document = existing(transaction, request);
  transaction.remove(request.scope, document.id);
  return { statusCode: 204 };
}

module.exports = { create, patch, read, remove, replace, upsert };
