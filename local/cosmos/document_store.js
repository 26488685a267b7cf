'use strict';

const { expiresAt } = require('./expiry');
const { scopeReader } = require('./partition');

const LOG_SLACK = 1000;

/**
 * The documents of one container, and the order in which they were last written.
 * Each commit takes the next log sequence number (LSN); all changes of one commit share it, as in a transactional batch.
 */
class DocumentStore {
  constructor(container, journal, clock) {
    const { partitionKey } = container.read();
    this.container = container;
    this.journal = journal;
    this.clock = clock;
    this.lsn = 0;
    this.scopeOf = scopeReader(partitionKey?.paths?.[0] || '/id');
    this.partitions = new Map();
    this.log = [];
    this.count = 0;
  }

  /** The document as it is now, or undefined when it is absent or expired. */
  find(scope, id) {
    const record = this.partitions.get(scope)?.get(id);
    return record && this.isAlive(record) ? record.document : undefined;
  }

  /** Every living document of one partition, or of all when `scope` is undefined. */
  documents(scope) {
    const partitions = scope === undefined ? this.partitions.values() : [this.partitions.get(scope) || new Map()];
    const found = [];
    for (const partition of partitions) {
      for (const record of partition.values()) {
        if (this.isAlive(record)) {
          found.push(record.document);
        }
      }
    }
    return found;
  }

  isAlive(record) {
    return this.clock() < expiresAt(record.document, this.container.read().defaultTtl);
  }

  /** Writes the changes to the journal, then makes them visible. `removed` holds { scope, id }. */
  commit(documents, removed) {
    const change = { kind: 'commit', container: this.container.read()._rid, lsn: this.lsn + 1, documents, removed };
    this.journal.append(change);
    this.apply(change);
  }

  apply({ lsn, documents, removed }) {
    this.lsn = lsn;
    removed.forEach(({ scope, id }) => this.forget(scope, id));
    documents.forEach((document) => this.remember(lsn, document));
    if (this.log.length > LOG_SLACK && this.log.length > 2 * this.count) {
      this.log = this.log.filter((record) => !record.superseded);
    }
  }

  remember(lsn, document) {
    const scope = this.scopeOf(document);
    if (!this.partitions.has(scope)) {
      this.partitions.set(scope, new Map());
    }
    const partition = this.partitions.get(scope);
    const previous = partition.get(document.id);
    if (previous) {
      previous.superseded = true;
    } else {
      this.count += 1;
    }
    const record = { lsn, scope, document, superseded: false };
    partition.set(document.id, record);
    this.log.push(record);
  }

  forget(scope, id) {
    const partition = this.partitions.get(scope);
    const record = partition?.get(id);
    if (!record) {
      return;
    }
    record.superseded = true;
    partition.delete(id);
    this.count -= 1;
    if (partition.size === 0) {
      this.partitions.delete(scope);
    }
  }

  /** Records of the log behind `lsn`, oldest first, superseded and expired ones included. */
  *recordsAfter(lsn) {
    let low = 0;
    for (let high = this.log.length; low < high; ) {
      const middle = (low + high) >> 1;
      if (this.log[middle].lsn <= lsn) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    for (let index = low; index < this.log.length; index += 1) {
      yield this.log[index];
    }
  }

  /** Removes what has expired; the feed never shows it. */
  sweep() {
    const expired = [];
    for (const partition of this.partitions.values()) {
      for (const record of partition.values()) {
        if (!this.isAlive(record)) {
          expired.push({ scope: record.scope, id: record.document.id });
        }
      }
    }
    if (expired.length > 0) {
      this.commit([], expired);
    }
  }

  /** The least journal that makes this store again, its LSN included. */
  *snapshot() {
    const container = this.container.read()._rid;
    for (const { lsn, document, superseded } of this.log) {
      if (!superseded) {
        yield { kind: 'commit', container, lsn, documents: [document], removed: [] };
      }
    }
    yield { kind: 'commit', container, lsn: this.lsn, documents: [], removed: [] };
  }
}

module.exports = { DocumentStore };
