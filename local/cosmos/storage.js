'use strict';

const { randomBytes } = require('crypto');
const { JournaledAccount } = require('./account');
const { Journal } = require('./journal');

const FORMAT = 1;
const WORTH_COMPACTING = 1000;
const SWEEP_EVERY_MS = 5000;

/** Everything under one data directory: the account, rebuilt from its journal, and the store's own id. */
class Storage {
  constructor(directory, endpoint, clock) {
    this.journal = new Journal(directory);
    this.account = new JournaledAccount(endpoint, this.journal, clock);
    this.storeId = undefined;
    this.restore();
    this.sweeper = setInterval(() => this.sweep(), SWEEP_EVERY_MS).unref();
  }

  restore() {
    const containers = new Map();
    const records = this.journal.replay((record) => this.apply(record, containers));
    if (this.storeId === undefined) {
      this.storeId = randomBytes(8).toString('hex');
      this.journal.append(this.identity());
    }
    this.compact(records);
  }

  identity() {
    return { kind: 'store', format: FORMAT, id: this.storeId };
  }

  /** `containers` finds a commit's container by resource id; there is one lookup per document ever written. */
  apply(record, containers) {
    if (this.storeId === undefined && record.kind !== 'store') {
      throw new Error(`${this.journal.path} does not begin with a store's identity`);
    }
    switch (record.kind) {
      case 'store':
        return this.identify(record);
      case 'commit':
        return containers.get(record.container).documents.apply(record);
      case 'container':
        this.listOf(record).restore(record.data);
        return containers.set(record.data._rid, this.account.database(record.parent).collection(record.data._rid));
      case 'database':
        return this.listOf(record).restore(record.data);
      case 'database_dropped':
      case 'container_dropped':
        return this.listOf(record).forget(record.id);
      case 'database_count':
      case 'container_count':
        return this.listOf(record).resumeCount(record.count);
      default:
        throw new Error(`${this.journal.path} holds a record of unknown kind ${record.kind}`);
    }
  }

  listOf({ kind, parent }) {
    return kind.startsWith('database') ? this.account.databases : this.account.database(parent).collections;
  }

  identify({ format, id }) {
    if (format !== FORMAT) {
      throw new Error(`${this.journal.path} has format ${format}; this server reads ${FORMAT}`);
    }
    this.storeId = id;
  }

  /** Rewrites the journal when more than half of it is history. */
  compact(records) {
    if (records < WORTH_COMPACTING) {
      return;
    }
    const snapshot = [this.identity(), ...this.account.databases.snapshot()];
    if (records > 2 * snapshot.length) {
      this.journal.rewrite(snapshot);
      console.error(`compacted ${records} records to ${snapshot.length}`);
    }
  }

  sweep() {
    for (const container of this.account.everyContainer()) {
      container.documents.sweep();
    }
  }

  close() {
    clearInterval(this.sweeper);
    this.journal.close();
  }
}

module.exports = { Storage };
