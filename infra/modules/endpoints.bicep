param location string
param tags object
param subnetId string
param storageId string
param cosmosId string
param postgresId string
param keyVaultId string

@description('Empty when no model account is made.')
param openaiId string

var stores = [
  {
    part: 'blob'
    zone: 'privatelink.blob.${environment().suffixes.storage}'
    resourceId: storageId
  }
  {
    part: 'queue'
    zone: 'privatelink.queue.${environment().suffixes.storage}'
    resourceId: storageId
  }
  {
    part: 'table'
    zone: 'privatelink.table.${environment().suffixes.storage}'
    resourceId: storageId
  }
  {
    part: 'Sql'
    zone: 'privatelink.documents.azure.com'
    resourceId: cosmosId
  }
  {
    part: 'postgresqlServer'
    zone: 'privatelink.postgres.database.azure.com'
    resourceId: postgresId
  }
  {
    part: 'vault'
    zone: 'privatelink.vaultcore.azure.net'
    resourceId: keyVaultId
  }
]
var models = empty(openaiId) ? [] : [
  {
    part: 'account'
    zone: 'privatelink.openai.azure.com'
    resourceId: openaiId
  }
]
var all = concat(stores, models)

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' existing = [for store in all: {
  name: store.zone
}]

resource endpoints 'Microsoft.Network/privateEndpoints@2024-07-01' = [for store in all: {
  // By what it leads to: a restored store gets one of its own.
  name: '${last(split(store.resourceId, '/'))}-${toLower(store.part)}'
  location: location
  tags: tags
  properties: {
    subnet: {
      id: subnetId
    }
    privateLinkServiceConnections: [
      {
        name: toLower(store.part)
        properties: {
          privateLinkServiceId: store.resourceId
          groupIds: [
            store.part
          ]
        }
      }
    ]
  }
}]

resource groups 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-07-01' = [for (store, index) in all: {
  parent: endpoints[index]
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [
      {
        name: toLower(store.part)
        properties: {
          privateDnsZoneId: zones[index].id
        }
      }
    ]
  }
}]
