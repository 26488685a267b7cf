'use strict';

const operations = require('./document_operations');
const { CosmosError, badRequest } = require('./errors');
const { Transaction } = require('./transaction');

const MAX_OPERATIONS = 100;
const BY_TYPE = {
  Create: operations.create,
  Delete: operations.remove,
  Patch: operations.patch,
  Read: operations.read,
  Replace: operations.replace,
  Upsert: operations.upsert,
};

function runOne(transaction, scope, { operationType, id, resourceBody, ifMatch, ifNoneMatch }) {
  if (!Object.hasOwn(BY_TYPE, operationType)) {
    throw badRequest(`The batch operation ${JSON.stringify(operationType)} is not supported`);
  }
  const request = { scope, id, body: resourceBody, ifMatch, ifNoneMatch };
  if (operationType === 'Patch') {
    request.operations = resourceBody?.operations;
    request.condition = resourceBody?.condition;
  }
  return BY_TYPE[operationType](transaction, request);
}

const succeeded = ({ statusCode, body }) => ({
  statusCode,
  requestCharge: 1,
  eTag: body?._etag,
  resourceBody: body,
});

const refused = (failedAt, statusCode) => (_operation, index) => ({
  statusCode: index === failedAt ? statusCode : 424,
  requestCharge: 0,
});

/** Runs all operations on one logical partition, or none: one refusal fails the others with 424. */
function runBatch(store, scope, batch) {
  if (!Array.isArray(batch) || batch.length === 0 || batch.length > MAX_OPERATIONS || scope === undefined) {
    throw badRequest(`A batch holds 1 to ${MAX_OPERATIONS} operations on one partition key`);
  }
  const transaction = new Transaction(store);
  const results = [];
  for (const [index, operation] of batch.entries()) {
    try {
      results.push(succeeded(runOne(transaction, scope, operation)));
    } catch (error) {
      if (!(error instanceof CosmosError)) {
        throw error;
      }
      return { statusCode: 207, body: batch.map(refused(index, error.statusCode)) };
    }
  }
  transaction.commit();
  return { statusCode: 200, body: results };
}

module.exports = { runBatch };
