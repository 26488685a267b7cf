'use strict';

/**
 * A local Cosmos DB (NoSQL API) for development and tests, over plain HTTP.
 *
 *   node local/cosmos/server.js --port N --data DIR [--host 127.0.0.1]
 *
 * Prints "ready http://HOST:N/" once it listens and stops on SIGTERM or SIGINT.
 * COSMOS_429_EVERY=n refuses every n-th request for documents; COSMOS_CLOCK_OFFSET_SECONDS moves its clock.
 */

const http = require('http');
const { parseArgs } = require('util');
const { clockFrom } = require('./clock');
const { lockDirectory } = require('./data_lock');
const { gateway } = require('./gateway');
const { Storage } = require('./storage');

const KEEP_ALIVE_MS = 65_000;

function readOptions() {
  const options = {
    port: { type: 'string' },
    data: { type: 'string' },
    host: { type: 'string', default: '127.0.0.1' },
  };
  const { port, data, host } = parseArgs({ options }).values;
  if (!/^\d+$/.test(port || '') || !data) {
    throw new Error('usage: server.js --port N --data DIR [--host 127.0.0.1]');
  }
  return { port: Number(port), data, host };
}

async function main() {
  const { port, data, host } = readOptions();
  await lockDirectory(data);
  const endpoint = new URL(`http://${host}:${port}/`);
  const storage = new Storage(data, endpoint, clockFrom(process.env));
  const server = http.createServer(gateway(storage, { throttleEvery: Number(process.env.COSMOS_429_EVERY || 0) }));
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.on('error', (error) => {
    console.error(`cannot listen on ${endpoint.href}: ${error.message}`);
    process.exit(1);
  });
  server.listen(port, host, () => console.log(`ready ${endpoint.href}`));
  const stop = () => {
    server.close(() => storage.close());
    server.closeAllConnections();
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

main().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
