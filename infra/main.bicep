targetScope = 'resourceGroup'

@description('Where everything goes.')
param location string = resourceGroup().location

@description('Begins every name; lower-case letters and digits.')
@minLength(2)
@maxLength(10)
param namePrefix string = 'hub'

@description('Name of the azd environment, when azd deploys this.')
param environmentName string = ''

// Names that code and triggers use: shared/models/work.py. Each queue has a twin for what failed five times.
var blobContainers = [
  'inbound'
  'sources'
  'attachments'
  'external-inbound'
]
var queues = [
  'external-messages'
  'external-messages-poison'
  'inbound-messages'
  'inbound-messages-poison'
  'message-analysis'
  'message-analysis-poison'
  'attachment-analysis'
  'attachment-analysis-poison'
]
var tags = empty(environmentName) ? {} : { 'azd-env-name': environmentName }

resource storage 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: '${namePrefix}${uniqueString(resourceGroup().id)}'
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: 'Standard_LRS'
  }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
  }
}

resource blobService 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' = {
  parent: storage
  name: 'default'
}

resource containers 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' = [for name in blobContainers: {
  parent: blobService
  name: name
  properties: {
    publicAccess: 'None'
  }
}]

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2025-06-01' = {
  parent: storage
  name: 'default'
}

resource storageQueues 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-06-01' = [for name in queues: {
  parent: queueService
  name: name
}]

@description('The app setting HubStorage__blobServiceUri.')
output blobServiceUri string = storage.properties.primaryEndpoints.blob

@description('The app setting HubStorage__queueServiceUri.')
output queueServiceUri string = storage.properties.primaryEndpoints.queue
