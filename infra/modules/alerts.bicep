param location string
param tags object
param namePrefix string
param appId string
param insightsId string

@description('Who is told, by email; nobody when empty: alerts are then seen in the portal only.')
param emails array

@minValue(1)
param serverErrorsPer15Minutes int

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
    name: 'sync-lag'
    severity: 1
    threshold: 0
    description: 'Postgres is behind Cosmos DB by more than half the life of a tombstone: see GET /api/v1/sync/status.'
    query: 'traces | where message startswith "feed_lag_exceeds_half_of_ttl "'
  }
  {
    name: 'reconciliation-refused'
    severity: 1
    threshold: 0
    description: 'The two stores differ by more than may be repaired without a person: see GET /api/v1/sync/status.'
    query: 'traces | where message startswith "reconcile.refused "'
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

resource serverErrors 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: '${namePrefix}-server-errors'
  location: 'global'
  tags: tags
  properties: {
    description: 'Calls answered with 5xx: a store is away, or the app is broken.'
    severity: 2
    enabled: true
    scopes: [
      appId
    ]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          name: 'http-5xx'
          criterionType: 'StaticThresholdCriterion'
          metricName: 'Http5xx'
          operator: 'GreaterThan'
          threshold: serverErrorsPer15Minutes
          timeAggregation: 'Total'
        }
      ]
    }
    actions: [for action in actions: {
      actionGroupId: action
    }]
  }
}

resource eventAlerts 'Microsoft.Insights/scheduledQueryRules@2022-06-15' = [for event in events: {
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
