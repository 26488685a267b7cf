'use strict';

const { randomUUID } = require('crypto');

/** What one request changes in one container: it reads its own writes, and nothing is visible before `commit`. */
class Transaction {
  constructor(store) {
    this.store = store;
    this.changes = new Map();
    this.created = 0;
  }

  read(scope, id) {
    const change = this.changes.get(this.key(scope, id));
    return change ? change.document : this.store.find(scope, id);
  }

  /** Stores the body with new system properties and returns the document as stored. */
  write(scope, body) {
    const { _rid: containerRid, _self: containerSelf } = this.store.container.read();
    const previous = this.read(scope, body.id);
    const _rid = previous ? previous._rid : this.nextRid(containerRid);
    const document = {
      ...body,
      _rid,
      _self: `${containerSelf}/docs/${_rid}/`,
      _etag: `"${randomUUID()}"`,
      _attachments: 'attachments/',
      _ts: Math.floor(this.store.clock()),
    };
    this.changes.set(this.key(scope, body.id), { scope, id: body.id, document });
    return document;
  }

  remove(scope, id) {
    this.changes.set(this.key(scope, id), { scope, id, document: undefined });
  }

  commit() {
    const changes = [...this.changes.values()];
    if (changes.length > 0) {
      const documents = changes.map(({ document }) => document).filter(Boolean);
      const removed = changes.filter(({ document }) => !document).map(({ scope, id }) => ({ scope, id }));
      this.store.commit(documents, removed);
    }
  }

  key(scope, id) {
    return JSON.stringify([scope, id]);
  }

  /** A commit creates at most 100 documents, so its LSN and a byte make an id that is never given out twice. */
  nextRid(containerRid) {
    const own = Buffer.alloc(8);
    own.writeUIntBE((this.store.lsn + 1) * 256 + this.created, 0, 6);
    this.created += 1;
    return Buffer.concat([Buffer.from(containerRid, 'base64'), own]).toString('base64').replaceAll('/', '-');
  }
}

module.exports = { Transaction };
