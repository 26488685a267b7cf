'use strict';

const { createHash } = require('crypto');
const fs = require('fs');
const net = require('net');

/**
 * Keeps a second server off the same data directory; two writers would mix their journals.
 * An abstract socket goes away with its process, however that ends. Other systems than Linux have none: no lock there.
 */
function lockDirectory(directory) {
  if (process.platform !== 'linux') {
    return Promise.resolve();
  }
  fs.mkdirSync(directory, { recursive: true });
  const name = createHash('sha256').update(fs.realpathSync(directory)).digest('hex');
  return new Promise((resolve, reject) => {
    const socket = net.createServer().unref();
    socket.on('error', () => reject(new Error(`another server already uses ${directory}`)));
    socket.listen({ path: `\0cosmos-${name}` }, resolve);
  });
}

module.exports = { lockDirectory };
