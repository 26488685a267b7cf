param location string
param tags object
param name string
param workspaceId string
param databaseName string
param publicNetworkAccess string
param operatorIpAddresses array

@description('The app, which reads and writes documents.')
param appPrincipalId string

@description('0: serverless. Else the most request units per second that autoscale may reach.')
param autoscaleMaxThroughput int

@description('0: no vector index. Else the dimensions of the embeddings; it can not be changed later.')
param vectorDimensions int

var serverless = autoscaleMaxThroughput == 0
var vectors = vectorDimensions > 0
var dataContributor = '00000000-0000-0000-0000-000000000002'
var serverlessCapability = serverless ? [
  {
    name: 'EnableServerless'
  }
] : []
var vectorCapability = vectors ? [
  {
    name: 'EnableNoSQLVectorSearch'
  }
] : []
// Of each container and not of the database: where containers share it, there are no vector indexes.
var interactionsThroughput = serverless ? {} : {
  autoscaleSettings: {
    maxThroughput: autoscaleMaxThroughput
  }
}
var leasesThroughput = serverless ? {} : {
  autoscaleSettings: {
    maxThroughput: 1000
  }
}
// As in schema/cosmos/interactions.json, which the local stack uses.
var indexing = {
  indexingMode: 'consistent'
  automatic: true
  includedPaths: [
    {
      path: '/*'
    }
  ]
  excludedPaths: [
    {
      path: '/content/?'
    }
    {
      path: '/embedding/*'
    }
    {
      path: '/"_etag"/?'
    }
  ]
}
var vectorIndexing = {
  vectorIndexes: [
    {
      path: '/embedding'
      type: 'diskANN'
    }
  ]
}
var plainContainer = {
  id: 'interactions'
  partitionKey: {
    paths: [
      '/contactId'
    ]
    kind: 'Hash'
    version: 2
  }
  // No document ends by itself; a tombstone brings its own ttl.
  defaultTtl: -1
  indexingPolicy: vectors ? union(indexing, vectorIndexing) : indexing
}
var vectorPolicy = {
  vectorEmbeddingPolicy: {
    vectorEmbeddings: [
      {
        path: '/embedding'
        dataType: 'float32'
        distanceFunction: 'cosine'
        dimensions: vectorDimensions
      }
    ]
  }
}

resource account 'Microsoft.DocumentDB/databaseAccounts@2025-04-15' = {
  name: name
  location: location
  tags: tags
  kind: 'GlobalDocumentDB'
  properties: {
    databaseAccountOfferType: 'Standard'
    locations: [
      {
        locationName: location
        failoverPriority: 0
      }
    ]
    consistencyPolicy: {
      defaultConsistencyLevel: 'Session'
    }
    capabilities: concat(serverlessCapability, vectorCapability)
    disableLocalAuth: true
    disableKeyBasedMetadataWriteAccess: true
    minimalTlsVersion: 'Tls12'
    publicNetworkAccess: publicNetworkAccess
    ipRules: [for address in operatorIpAddresses: {
      ipAddressOrRange: address
    }]
    backupPolicy: {
      type: 'Continuous'
      continuousModeProperties: {
        tier: 'Continuous7Days'
      }
    }
  }
}

resource database 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases@2025-04-15' = {
  parent: account
  name: databaseName
  properties: {
    resource: {
      id: databaseName
    }
  }
}

resource interactions 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers@2025-04-15' = {
  parent: database
  name: 'interactions'
  properties: {
    resource: vectors ? union(plainContainer, vectorPolicy) : plainContainer
    options: interactionsThroughput
  }
}

resource leases 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers@2025-04-15' = {
  parent: database
  name: 'leases'
  properties: {
    resource: {
      id: 'leases'
      partitionKey: {
        paths: [
          '/id'
        ]
        kind: 'Hash'
        version: 2
      }
    }
    options: leasesThroughput
  }
}

resource appAssignment 'Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments@2025-04-15' = {
  parent: account
  name: guid(account.id, appPrincipalId, dataContributor)
  properties: {
    principalId: appPrincipalId
    roleDefinitionId: '${account.id}/sqlRoleDefinitions/${dataContributor}'
    scope: account.id
  }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-workspace'
  scope: account
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'PartitionKeyStatistics'
        enabled: true
      }
      {
        category: 'ControlPlaneRequests'
        enabled: true
      }
    ]
    metrics: [
      {
        category: 'Requests'
        enabled: true
      }
    ]
  }
}

output resourceId string = account.id
output endpoint string = account.properties.documentEndpoint
