'use strict';

const { randomUUID } = require('crypto');
const upstreamRoute = require('@vercel/cosmosdb-server/lib/routes').default;
const { answerDocuments } = require('./document_routes');
const { CosmosError, badRequest, tooLarge } = require('./errors');

const MAX_BODY_BYTES = 2 * 1024 * 1024;
const DOCUMENTS_PATH = /^\/+dbs\/([^/]+)\/colls\/([^/]+)\/docs(?:\/([^/]+))?\/?$/;

async function readBody(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size <= MAX_BODY_BYTES) {
      chunks.push(chunk);
    }
  }
  if (size > MAX_BODY_BYTES) {
    throw tooLarge();
  }
  return Buffer.concat(chunks).toString();
}

/** Refuses every n-th request for documents with 429, as a container out of throughput does. */
function throttle(everyNth) {
  let seen = 0;
  return () => {
    seen += 1;
    if (everyNth > 0 && seen % everyNth === 0) {
      const error = new CosmosError(429, '429', 'Request rate is large');
      error.headers = { 'x-ms-retry-after-ms': '5' };
      throw error;
    }
  };
}

function decodePart(part) {
  try {
    return part && decodeURIComponent(part);
  } catch {
    throw badRequest(`The path segment ${part} is not URL-encoded`);
  }
}

async function answerOnDocuments(storage, request, path) {
  const [database, name, id] = path.slice(1).map(decodePart);
  const container = storage.account.database(database).collection(name);
  const text = await readBody(request);
  const { method, headers } = request;
  const result = answerDocuments(container, { method, headers, text, id, storeId: storage.storeId });
  const session = { 'x-ms-session-token': `0:-1#${container.documents.lsn}` };
  return { ...result, headers: { ...session, ...result.headers } };
}

/** Databases, containers and partition key ranges are upstream's; its handlers set the status on the response. */
async function answerUpstream(storage, request, response) {
  const { headers, url } = request;
  if (headers['a-im'] && headers['if-none-match'] && /\/pkranges\/?$/.test(url)) {
    // The SDK reads the ranges as a feed and asks again until it hears "not modified".
    return { statusCode: 304, etag: '"1"' };
  }
  const found = upstreamRoute(request);
  if (!found || /\/udfs\b/.test(url)) {
    throw badRequest(`No route for ${request.method} ${url}`);
  }
  const [parameters, handler] = found;
  const body = await handler(storage.account, request, response, parameters);
  return { statusCode: response.statusCode, body, etag: /\/pkranges\/?$/.test(url) ? '"1"' : undefined };
}

function refusal(error, request) {
  if (error instanceof CosmosError) {
    const substatus = error.substatus === undefined ? {} : { 'x-ms-substatus': String(error.substatus) };
    const body = { code: error.code, message: error.message };
    return { statusCode: error.statusCode, body, headers: { ...substatus, ...error.headers } };
  }
  console.error(request.method, request.url, error);
  return { statusCode: 500, body: { code: 'InternalServerError', message: error.message } };
}

function send(response, { statusCode, body, etag, headers = {} }) {
  response.statusCode = statusCode;
  response.setHeader('x-ms-activity-id', randomUUID());
  response.setHeader('x-ms-request-charge', '1');
  Object.entries(headers).forEach(([name, value]) => response.setHeader(name, value));
  if (etag || body?._etag) {
    response.setHeader('etag', etag || body._etag);
  }
  if (statusCode === 304 || statusCode === 204 || body === undefined) {
    response.end();
    return;
  }
  const bytes = Buffer.from(JSON.stringify(body));
  response.setHeader('content-type', 'application/json');
  response.setHeader('content-length', bytes.length);
  response.end(bytes);
}

/** The HTTP listener over one storage. */
function gateway(storage, { throttleEvery }) {
  const passThrottle = throttle(throttleEvery);
  return async (request, response) => {
    let result;
    try {
      const path = DOCUMENTS_PATH.exec(request.url.split('?')[0]);
      if (path) {
        passThrottle();
        result = await answerOnDocuments(storage, request, path);
      } else {
        result = await answerUpstream(storage, request, response);
      }
    } catch (error) {
      result = refusal(error, request);
    }
    send(response, result);
  };
}

module.exports = { gateway };
