'use strict';

const fs = require('fs');
const path = require('path');

const READ_BYTES = 1 << 20;
const NEWLINE = 0x0a;

function writeAll(descriptor, bytes) {
  for (let written = 0; written < bytes.length; ) {
    written += fs.writeSync(descriptor, bytes, written);
  }
}

const encode = (record) => Buffer.from(`${JSON.stringify(record)}\n`);

/** Yields each line with the offset just behind it; `complete` is false for bytes after the last newline. */
function* readLines(descriptor) {
  const chunk = Buffer.alloc(READ_BYTES);
  let pending = Buffer.alloc(0);
  let offset = 0;
  for (;;) {
    const size = fs.readSync(descriptor, chunk, 0, READ_BYTES, null);
    if (size === 0) {
      break;
    }
    pending = Buffer.concat([pending, chunk.subarray(0, size)]);
    let start = 0;
    for (let end = pending.indexOf(NEWLINE); end >= 0; end = pending.indexOf(NEWLINE, start)) {
      offset += end + 1 - start;
      yield { text: pending.toString('utf8', start, end), end: offset, complete: true };
      start = end + 1;
    }
    pending = pending.subarray(start);
  }
  if (pending.length > 0) {
    yield { text: pending.toString('utf8'), end: offset + pending.length, complete: false };
  }
}

function parseLine({ text, complete }) {
  try {
    return complete ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The store's append-only file: one JSON record per line, one line per atomic change.
 * A record is in the file when `append` returns, so it survives the death of this process, but not
 * necessarily a power cut: nothing is fsynced while serving.
 */
class Journal {
  constructor(directory) {
    fs.mkdirSync(directory, { recursive: true });
    this.path = path.join(directory, 'journal.jsonl');
    fs.rmSync(`${this.path}.new`, { force: true });
    this.descriptor = fs.openSync(this.path, 'a+');
    this.size = fs.fstatSync(this.descriptor).size;
  }

  /**
   * Hands every record to `apply` and returns how many there were.
   * A last line that cannot be read was never acknowledged: it is cut off. Such a line further up is an error.
   */
  replay(apply) {
    let records = 0;
    let readable = 0;
    let torn = false;
    for (const line of readLines(this.descriptor)) {
      if (torn) {
        throw new Error(`${this.path}: line ${records + 1} is damaged and is not the last one`);
      }
      const record = parseLine(line);
      if (record === undefined) {
        torn = true;
        continue;
      }
      apply(record);
      records += 1;
      readable = line.end;
    }
    if (torn) {
      console.error(`dropped ${this.size - readable} bytes of an unfinished write at the end of ${this.path}`);
      this.truncate(readable);
    }
    return records;
  }

  append(record) {
    const line = encode(record);
    try {
      writeAll(this.descriptor, line);
    } catch (error) {
      // A full disk leaves half a line; the next record must not be glued to it.
      this.truncate(this.size);
      throw error;
    }
    this.size += line.length;
  }

  /** Replaces the file by these records, all or nothing. */
  rewrite(records) {
    const replacement = fs.openSync(`${this.path}.new`, 'ax');
    let size = 0;
    for (const record of records) {
      const line = encode(record);
      writeAll(replacement, line);
      size += line.length;
    }
    fs.fsyncSync(replacement);
    fs.renameSync(`${this.path}.new`, this.path);
    fs.closeSync(this.descriptor);
    this.descriptor = replacement;
    this.size = size;
  }

  truncate(size) {
    fs.ftruncateSync(this.descriptor, size);
    this.size = size;
  }

  close() {
    fs.closeSync(this.descriptor);
  }
}

module.exports = { Journal };
