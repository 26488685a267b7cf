'use strict';

const { badRequest } = require('./errors');

/**
 * A partition key value as a map key: its JSON, or '{}' for a document without the property.
 * That is also how the wire writes it inside the x-ms-documentdb-partitionkey array.
 */
const scopeOfValue = (value) => (value === undefined ? '{}' : JSON.stringify(value));

/** The scope named by a request, or undefined when it is about all partitions. */
function scopeOfHeader(header) {
  if (!header) {
    return undefined;
  }
  let values;
  try {
    values = JSON.parse(header);
  } catch {
    throw badRequest(`The partition key header is not JSON: ${header}`);
  }
  if (!Array.isArray(values) || values.length > 1) {
    throw badRequest('Exactly one partition key value is supported');
  }
  return values.length === 0 ? undefined : JSON.stringify(values[0]);
}

/** Reads the scope of documents along a path such as "/contactId". */
function scopeReader(path) {
  const names = path.slice(1).split('/');
  return (document) => scopeOfValue(names.reduce((value, name) => value?.[name], document));
}

module.exports = { scopeOfHeader, scopeReader };
