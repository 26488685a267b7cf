'use strict';

const { default: parseQuery } = require('@zeit/cosmosdb-query');
const { badRequest } = require('./errors');

const REMEMBERED = 200;
const parsed = new Map();

function parse(sql) {
  if (!parsed.has(sql)) {
    if (parsed.size >= REMEMBERED) {
      parsed.delete(parsed.keys().next().value);
    }
    parsed.set(sql, parseQuery(sql));
  }
  return parsed.get(sql);
}

/** OFFSET .. LIMIT and DISTINCT are not in the grammar of the library: taken off here, applied to the result. */
function splitUnsupported(query, parameters) {
  let cut;
  let distinct = false;
  const number = (token) =>
    token.startsWith('@') ? parameters.find(({ name }) => name === token)?.value : Number(token);
  const sql = query
    .replace(/\boffset\s+(\S+)\s+limit\s+(\S+)\s*$/i, (_match, offset, limit) => {
      cut = { offset: number(offset), limit: number(limit) };
      return '';
    })
    .replace(/^\s*select\s+distinct\b/i, () => {
      distinct = true;
      return 'SELECT';
    });
  return { sql, cut, distinct };
}

function withoutRepeats(rows) {
  return [...new Map(rows.map((row) => [JSON.stringify(row), row])).values()];
}

function runPage(sql, documents, options) {
  try {
    return parse(sql).exec(documents, options);
  } catch (error) {
    throw badRequest(error.message);
  }
}

/**
 * Rows of a query over these documents, and the continuation of the next page if there is one.
 * A query with OFFSET or DISTINCT answers in one page.
 */
function runQuery({ query, parameters = [] }, documents, { maxItemCount, continuation, compositeIndexes }) {
  if (typeof query !== 'string') {
    throw badRequest('The request holds no query');
  }
  const { sql, cut, distinct } = splitUnsupported(query, parameters);
  if (!cut && !distinct) {
    // The library finds the next page by resource id, so it needs the documents in that order.
    const byRid = (left, right) => (left._rid < right._rid ? -1 : 1);
    const ordered = maxItemCount && documents.length > maxItemCount ? documents.sort(byRid) : documents;
    const page = runPage(sql, ordered, { parameters, maxItemCount, continuation, compositeIndexes });
    return { rows: page.result, continuation: page.continuation };
  }
  const { result } = runPage(sql, documents, { parameters, compositeIndexes });
  const rows = distinct ? withoutRepeats(result) : result;
  return { rows: cut ? rows.slice(cut.offset, cut.offset + cut.limit) : rows };
}

/** Whether a patch's condition ("FROM c WHERE ...") holds for this document. */
function matches(document, condition) {
  const sql = /^\s*select\b/i.test(condition) ? condition : `SELECT * ${condition}`;
  return runPage(sql, [document], {}).result.length > 0;
}

module.exports = { matches, runQuery };
