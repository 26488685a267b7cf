param location string
param tags object
param namePrefix string
param insightsId string

@description('Who is told, by email; nobody when empty: alerts are then seen in the portal only.')
param emails array

@minValue(1)
@maxValue(100)
@description('What share of calls may be answered with 5xx in a quarter of an hour.')
param serverErrorPercent int

var actions = empty(emails) ? [] : [
  people.id
]
// What the app logs, by the event's name; a test holds the names against the code.
var events = [
  {
    name: 'dead-letters'
    severity: 2
    threshold: 0
    description: 'Work failed for good: see GET /api/v1/dead-letters.'
    query: 'traces | where message startswith "dead_letter "'
  }
  {
    name: 'dead-letter-limit'
    severity: 1
    threshold: 0
    description: 'A step left so many dead letters that it waits: see GET /api/v1/dead-letters.'
    query: 'traces | where message startswith "dead_letters.limit "'
  }
  {
    // Looked at each minute: once or twice is a message on its way to the dead letters.
    name: 'poison-depth'
    severity: 1
    threshold: 2
    description: 'Messages stay in a poison queue: what drains them is broken, or Postgres is away.'
    query: 'traces | where message startswith "poison.waiting "'
  }
  {
    name: 'sync-left'
    severity: 1
    threshold: 0
    description: 'A batch of the change feed meets a fault of the code; sweep_changes waits at it. See GET /api/v1/sync/status.'
    query: 'traces | where message startswith "sync_interactions.left "'
  }
  {
    name: 'sync-lag'
    severity: 2
    threshold: 0
    description: 'Postgres is more than a quarter of an hour behind Cosmos DB: see GET /api/v1/sync/status.'
    query: 'traces | where message startswith "feed_lag " | parse message with "feed_lag seconds=" seconds:real | where seconds > 900'
  }
  {
    // Each minute the lag is told, however small it is.
    name: 'silence'
    severity: 1
    threshold: 0
    description: 'For a quarter of an hour nobody looked at the feed: Postgres is away, or no timer runs, or the app does not start.'
    query: 'traces | where message startswith "feed_lag " | summarize lines = count() | where lines == 0'
  }
  {
    name: 'tombstones-at-risk'
    severity: 1
    threshold: 0
    description: 'Postgres is behind Cosmos DB by more than half the life of a tombstone: see GET /api/v1/sync/status.'
    query: 'traces | where message startswith "feed_lag_exceeds_half_of_ttl "'
  }
  {
    // Looked at each minute: once or twice is a store that comes late to a new hub.
    name: 'sync-never-read'
    severity: 1
    threshold: 2
    description: 'sweep_changes could not even begin: what the trigger loses stays lost. See GET /api/v1/sync/status.'
    query: 'traces | where message startswith "feed_never_read "'
  }
  {
    name: 'reconciliation-refused'
    severity: 1
    threshold: 0
    description: 'The two stores differ by more than may be repaired without a person: see GET /api/v1/sync/status.'
    query: 'traces | where message startswith "reconcile.refused "'
  }
]

// A handful may be one sender's bad minute; more than that and its share is a store away, or a broken app.
var rates = [
  {
    name: 'server-errors'
    severity: 2
    threshold: 0
    description: 'Calls are answered with 5xx: a store is away, or the app is broken. See GET /api/health.'
    query: 'requests | where isnotempty(url) | summarize failed = countif(toint(resultCode) >= 500), calls = count() | where failed > 5 and failed * 100 > calls * ${serverErrorPercent}'
  }
]

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(emails)) {
  name: '${namePrefix}-operators'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'hub'
    enabled: true
    emailReceivers: [for (address, index) in emails: {
      name: 'operator-${index}'
      emailAddress: address
      useCommonAlertSchema: true
    }]
  }
}

resource eventAlerts 'Microsoft.Insights/scheduledQueryRules@2022-06-15' = [for event in concat(events, rates): {
  name: '${namePrefix}-${event.name}'
  location: location
  tags: tags
  properties: {
    displayName: event.name
    description: event.description
    severity: event.severity
    enabled: true
    scopes: [
      insightsId
    ]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    criteria: {
      allOf: [
        {
          query: event.query
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: event.threshold
        }
      ]
    }
    autoMitigate: true
    actions: {
      actionGroups: actions
    }
  }
}]
