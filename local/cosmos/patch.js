'use strict';

const { badRequest } = require('./errors');

const MAX_OPERATIONS = 10;

const segmentsOf = (pointer) =>
  pointer
    .slice(1)
    .split('/')
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));

function requirePointer(pointer) {
  if (typeof pointer !== 'string' || !/^\/[^_]/.test(pointer)) {
    throw badRequest(`The patch path ${JSON.stringify(pointer)} is invalid or names a system property`);
  }
  return segmentsOf(pointer);
}

/** The object or array that holds the last segment; only the last segment may be missing. */
function parentOf(document, segments) {
  let node = document;
  for (const segment of segments.slice(0, -1)) {
    const known = node !== null && typeof node === 'object' && Object.hasOwn(node, segment);
    node = known ? node[segment] : undefined;
  }
  if (node === null || typeof node !== 'object') {
    throw badRequest(`The parent of /${segments.join('/')} is not an object or array`);
  }
  return node;
}

function requirePresent(node, key, pointer) {
  if (!Object.hasOwn(node, key) || (Array.isArray(node) && key === 'length')) {
    throw badRequest(`The node ${pointer} does not exist`);
  }
}

/** An index that may also be one behind the end when `growing`. */
function indexIn(array, key, growing) {
  const index = key === '-' ? array.length : Number(key);
  const limit = growing ? array.length : array.length - 1;
  if (!Number.isInteger(index) || index < 0 || index > limit) {
    throw badRequest(`The index ${key} is out of array bounds`);
  }
  return index;
}

function set(node, key, { value }) {
  node[Array.isArray(node) ? indexIn(node, key, false) : key] = value;
}

function add(node, key, { value }) {
  if (Array.isArray(node)) {
    node.splice(indexIn(node, key, true), 0, value);
  } else {
    node[key] = value;
  }
}

function replace(node, key, { value, path }) {
  requirePresent(node, key, path);
  node[key] = value;
}

function remove(node, key, { path }) {
  requirePresent(node, key, path);
  if (Array.isArray(node)) {
    node.splice(Number(key), 1);
  } else {
    delete node[key];
  }
}

function incr(node, key, { value, path }) {
  const current = Object.hasOwn(node, key) ? node[key] : 0;
  if (typeof value !== 'number' || typeof current !== 'number') {
    throw badRequest(`Only a number can be incremented, by a number: ${path}`);
  }
  node[key] = current + value;
}

const OPERATIONS = { add, incr, remove, replace, set };

/** A patched copy of the document; any operation that fails refuses the whole patch. */
function patched(document, operations) {
  if (!Array.isArray(operations) || operations.length === 0 || operations.length > MAX_OPERATIONS) {
    throw badRequest(`A patch holds 1 to ${MAX_OPERATIONS} operations`);
  }
  const copy = structuredClone(document);
  for (const operation of operations) {
    const segments = requirePointer(operation.path);
    if (!Object.hasOwn(OPERATIONS, operation.op)) {
      throw badRequest(`The patch operation ${JSON.stringify(operation.op)} is not supported`);
    }
    OPERATIONS[operation.op](parentOf(copy, segments), segments.at(-1), operation);
  }
  return copy;
}

module.exports = { patched };
