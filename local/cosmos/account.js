'use strict';

const { randomUUID } = require('crypto');
const Account = require('@vercel/cosmosdb-server/lib/account').default;
const Collection = require('@vercel/cosmosdb-server/lib/account/collection').default;
const Collections = require('@vercel/cosmosdb-server/lib/account/collections').default;
const Database = require('@vercel/cosmosdb-server/lib/account/database').default;
const Databases = require('@vercel/cosmosdb-server/lib/account/databases').default;
const { DocumentStore } = require('./document_store');
const { badRequest } = require('./errors');

/** Adds the journal to one of upstream's lists; `kind` names the list's records. */
const journaled = (Items, kind) =>
  class extends Items {
    constructor(parent, journal, clock) {
      super(parent, ['/id']);
      this.journal = journal;
      this.clock = clock;
    }

    record(data) {
      return { kind, parent: this._parent.read()._rid, data };
    }

    _set(data) {
      this.journal.append(this.record(data));
      return super._set(data);
    }

    delete(id) {
      this.journal.append({ kind: `${kind}_dropped`, parent: this._parent.read()._rid, id });
      this.forget(id);
    }

    /** Upstream replaces by deleting and adding again, which would lose what is inside. */
    replace(data, original) {
      const { id, _rid, _self } = original;
      const next = { ...data, id, _rid, _self, _etag: randomUUID(), _ts: Math.floor(this.clock()) };
      this.journal.append(this.record(next));
      this.restore(next);
      return next;
    }

    restore(data) {
      const existing = this._data.get(data._rid);
      if (existing) {
        existing._data = data;
      } else {
        this._ridCount += 1;
        super._set(data);
      }
    }

    forget(id) {
      super.delete(id, id);
    }

    resumeCount(count) {
      this._ridCount = count;
    }

    *members() {
      yield* this._data.values();
    }

    /** Records that restore the list. The count keeps the ids of dropped members from being given out again. */
    *snapshot() {
      for (const member of this.members()) {
        yield this.record(member.read());
        yield* member.snapshot();
      }
      yield { kind: `${kind}_count`, parent: this._parent.read()._rid, count: this._ridCount };
    }
  };

/** A container whose documents are ours; its description stays upstream's. */
class JournaledContainer extends Collection {
  constructor(data, journal, clock) {
    super(data);
    this.documents = data && new DocumentStore(this, journal, clock);
  }

  snapshot() {
    return this.documents.snapshot();
  }
}

class JournaledContainers extends journaled(Collections, 'container') {
  create(data) {
    if (data.partitionKey?.paths.length > 1) {
      throw badRequest('Hierarchical partition keys are not supported');
    }
    return super.create(data);
  }

  _newItem(data) {
    return new JournaledContainer(data, this.journal, this.clock);
  }
}

class JournaledDatabase extends Database {
  constructor(data, journal, clock) {
    super(data);
    this.collections = new JournaledContainers(this, journal, clock);
  }

  snapshot() {
    return this.collections.snapshot();
  }
}

class JournaledDatabases extends journaled(Databases, 'database') {
  _newItem(data) {
    return new JournaledDatabase(data, this.journal, this.clock);
  }
}

/** The account document with its databases; `endpoint` is the URL that clients are told to use. */
class JournaledAccount extends Account {
  constructor(endpoint, journal, clock) {
    super(endpoint.hostname, endpoint.port);
    this.databases = new JournaledDatabases(this, journal, clock);
    const { writableLocations, readableLocations } = this.read();
    for (const location of [...writableLocations, ...readableLocations]) {
      location.databaseAccountEndpoint = endpoint.href;
    }
  }

  *everyContainer() {
    for (const database of this.databases.members()) {
      yield* database.collections.members();
    }
  }
}

module.exports = { JournaledAccount };
