'use strict';

/** A refusal with the status, code and sub-status that Cosmos DB would answer. */
class CosmosError extends Error {
  constructor(statusCode, code, message, substatus) {
    super(message);
    this.statusCode = statusCode;
    this.code = code;
    this.substatus = substatus;
  }
}

const badRequest = (message, substatus) => new CosmosError(400, 'BadRequest', message, substatus);
const notFound = () =>
  new CosmosError(404, 'NotFound', 'Entity with the specified id does not exist in the system.');
const conflict = () =>
  new CosmosError(409, 'Conflict', 'Entity with the specified id already exists in the system.');
const gone = (message, substatus) => new CosmosError(410, 'Gone', message, substatus);
const preconditionFailed = (message) =>
  new CosmosError(412, 'PreconditionFailed', message || 'The _etag no longer matches.');
const tooLarge = () => new CosmosError(413, 'RequestEntityTooLarge', 'Request size is too large');

module.exports = { CosmosError, badRequest, conflict, gone, notFound, preconditionFailed, tooLarge };
