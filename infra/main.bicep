targetScope = 'subscription'

@description('The azd environment; it names everything.')
@minLength(1)
@maxLength(40)
param environmentName string

@description('Where everything goes: a region that has Flex Consumption and the chosen models.')
param location string

@description('Who migrates the schema and makes sources: object id, name and kind in Entra.')
param principalId string
param principalName string

@allowed([
  'User'
  'Group'
  'ServicePrincipal'
])
param principalType string = 'User'

@description('IPv4 addresses, by comma, from which the operator reaches the stores; none closes them to all but the private network.')
param operatorIpAddresses string = ''

@description('Who is told of alerts, by email, by comma.')
param alertEmails string = ''

@description('The size of the app: memory of an instance, the most instances of a scale group, always ready ones for HTTP.')
@allowed([
  512
  2048
  4096
])
param instanceMemoryMB int = 2048

@minValue(40)
@maxValue(1000)
param maximumInstanceCount int = 40

@minValue(0)
param alwaysReadyHttp int = 1

@minValue(1)
@maxValue(1000)
param httpConcurrency int = 16

@description('Postgres: its size, its storage, whether connections are pooled by PgBouncer (not on burstable sizes).')
@allowed([
  'Standard_B2s'
  'Standard_D2ds_v5'
  'Standard_D4ds_v5'
  'Standard_D8ds_v5'
])
param postgresSize string = 'Standard_D2ds_v5'

@minValue(32)
param postgresStorageGiB int = 64

@minValue(1)
@maxValue(20)
param postgresPoolSize int = 2
param pgBouncer bool = true

@description('Stores that were restored under another name: docs/deploy.md, Backup and restore.')
param postgresName string = ''
param cosmosName string = ''

@description('Cosmos DB: 0 is serverless, else the request units per second that autoscale may reach.')
@minValue(0)
param cosmosAutoscaleMaxThroughput int = 0

@description('Cosmos DB: dimensions of the vector index; 0 for none. It can not be changed once the container is there.')
@minValue(0)
@maxValue(4096)
param cosmosVectorDimensions int = 0

@description('The model: offline (rules), azure (an account is made), or endpoint (bring your own).')
@allowed([
  'offline'
  'azure'
  'endpoint'
])
param modelHosting string = 'offline'

@description('With modelHosting endpoint: the Azure OpenAI endpoint; grant the app Cognitive Services OpenAI User on it.')
param modelEndpoint string = ''
param modelDeployments array = [
  {
    name: 'gpt-5.4-mini'
    model: 'gpt-5.4-mini'
    version: '2026-03-17'
    sku: 'GlobalStandard'
    capacity: 100
  }
  {
    name: 'text-embedding-3-small'
    model: 'text-embedding-3-small'
    version: '1'
    sku: 'GlobalStandard'
    capacity: 100
  }
]
param messageModel string = 'gpt-5.4-mini'
param imageModel string = 'gpt-5.4-mini'
param embeddingModel string = 'text-embedding-3-small'

@description('App settings where the defaults of the code do not fit, by name: docs/deploy.md lists them.')
param tuning object = {}

@description('Days that raw deliveries are kept; after coolAfterDays they and attachments move to the cool tier.')
@minValue(1)
param rawRetentionDays int = 730

@minValue(1)
param coolAfterDays int = 30

@minValue(30)
@maxValue(730)
param logRetentionDays int = 30

@minValue(7)
@maxValue(35)
param backupRetentionDays int = 14

var token = take(uniqueString(subscription().id, environmentName, location), 8)
var prefix = 'hub-${token}'
var tags = {
  'azd-env-name': environmentName
}
var databaseName = 'hub'
// The stores answer the private network; an operator's address opens their public side for that address alone.
var operators = empty(operatorIpAddresses) ? [] : split(operatorIpAddresses, ',')
var publicNetworkAccess = empty(operators) ? 'Disabled' : 'Enabled'

// What Postgres lets in, by size, less the 15 it keeps for itself; through PgBouncer 5000 on every size that has it.
// https://learn.microsoft.com/azure/postgresql/flexible-server/concepts-limits
var postgresConnections = {
  Standard_B2s: 414
  Standard_D2ds_v5: 844
  Standard_D4ds_v5: 1703
  Standard_D8ds_v5: 3422
}
var pooled = pgBouncer && !startsWith(postgresSize, 'Standard_B')
var directConnections = postgresConnections[postgresSize]
var connectionsAllowed = pooled ? 5000 : directConnections
// Each scale group has instances of its own, each instance a pool; a timer runs on one instance at a time.
// A test holds both lists against the triggers.
var scalingGroups = [
  'http'
  'accept_message'
  'store_message'
  'analyze_message'
  'analyze_attachment'
  'sync_interactions'
  'drain_inbound_poison'
  'drain_message_poison'
  'drain_attachment_poison'
]
var timers = [
  'sweep_inbound'
  'publish_sources'
  'sweep_changes'
  'reconcile_stores'
  'settle_ai_interactions'
  'drain_external_poison'
]
var connectionsNeeded = (length(scalingGroups) * maximumInstanceCount + length(timers)) * postgresPoolSize
var connectionsFit = connectionsNeeded <= connectionsAllowed

var modelSettings = modelHosting == 'offline' ? {
  AI_PROVIDER: 'offline'
} : {
  AI_PROVIDER: 'openai'
  AZURE_OPENAI_ENDPOINT: modelHosting == 'azure' ? stores.outputs.modelEndpoint : modelEndpoint
  MODEL_MESSAGE: messageModel
  MODEL_IMAGE: imageModel
  MODEL_EMBEDDING: embeddingModel
}
var vectorSettings = cosmosVectorDimensions == 0 ? {} : {
  EMBEDDING_DIMENSIONS: string(cosmosVectorDimensions)
}

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    location: location
    tags: tags
    name: '${prefix}-app'
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    location: location
    tags: tags
    workspaceName: '${prefix}-logs'
    insightsName: '${prefix}-insights'
    appPrincipalId: identity.outputs.principalId
    retentionDays: logRetentionDays
  }
}

// All that keeps data, and the private network in which it is reached.
module stores 'modules/stores.bicep' = {
  name: 'stores'
  scope: group
  params: {
    location: location
    tags: tags
    prefix: prefix
    databaseName: databaseName
    workspaceId: monitoring.outputs.workspaceId
    publicNetworkAccess: publicNetworkAccess
    operatorIpAddresses: operators
    appPrincipalId: identity.outputs.principalId
    operatorPrincipalId: principalId
    operatorName: principalName
    operatorType: principalType
    rawRetentionDays: rawRetentionDays
    coolAfterDays: coolAfterDays
    postgresName: empty(postgresName) ? '${prefix}-postgres' : postgresName
    postgresSize: postgresSize
    postgresStorageGiB: postgresStorageGiB
    postgresPooled: pooled
    backupRetentionDays: backupRetentionDays
    cosmosName: empty(cosmosName) ? '${prefix}-cosmos' : cosmosName
    cosmosAutoscaleMaxThroughput: cosmosAutoscaleMaxThroughput
    cosmosVectorDimensions: cosmosVectorDimensions
    withModels: modelHosting == 'azure'
    modelDeployments: modelDeployments
  }
}

module functions 'modules/functions.bicep' = {
  name: 'functions'
  scope: group
  params: {
    location: location
    tags: tags
    planName: '${prefix}-plan'
    appName: '${prefix}-app'
    identityId: identity.outputs.resourceId
    identityClientId: identity.outputs.clientId
    subnetId: stores.outputs.appSubnetId
    workspaceId: monitoring.outputs.workspaceId
    deploymentContainerUri: stores.outputs.deploymentContainerUri
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    alwaysReadyHttp: alwaysReadyHttp
    httpConcurrency: httpConcurrency
    settings: union(tuning, modelSettings, vectorSettings, {
      AzureWebJobsStorage__accountName: stores.outputs.storageName
      AzureWebJobsStorage__credential: 'managedidentity'
      AzureWebJobsStorage__clientId: identity.outputs.clientId
      HubStorage__blobServiceUri: stores.outputs.blobServiceUri
      HubStorage__queueServiceUri: stores.outputs.queueServiceUri
      HubStorage__credential: 'managedidentity'
      HubStorage__clientId: identity.outputs.clientId
      HubCosmos__accountEndpoint: stores.outputs.cosmosEndpoint
      HubCosmos__credential: 'managedidentity'
      HubCosmos__clientId: identity.outputs.clientId
      COSMOS_DATABASE: databaseName
      // No password: each connection brings a token of the app's identity.
      POSTGRES_DSN: 'host=${stores.outputs.postgresHost} port=${pooled ? 6432 : 5432} dbname=${databaseName} user=hub_app sslmode=verify-full'
      POSTGRES_POOL_SIZE: string(postgresPoolSize)
      POSTGRES_POOLED: string(pooled)
      SECRET_KEYS_WRAPPED_BY: stores.outputs.keyUri
      APPLICATIONINSIGHTS_CONNECTION_STRING: monitoring.outputs.connectionString
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.outputs.clientId};Authorization=AAD'
      SWEEP_INBOUND_SCHEDULE: '0 * * * * *'
      PUBLISH_SOURCES_SCHEDULE: '30 * * * * *'
      SWEEP_CHANGES_SCHEDULE: '15 * * * * *'
      RECONCILE_STORES_SCHEDULE: '45 */15 * * * *'
      SETTLE_AI_INTERACTIONS_SCHEDULE: '20 */5 * * * *'
    })
  }
}

module alerts 'modules/alerts.bicep' = {
  name: 'alerts'
  scope: group
  params: {
    location: location
    tags: tags
    namePrefix: prefix
    insightsId: monitoring.outputs.insightsId
    emails: empty(alertEmails) ? [] : split(alertEmails, ',')
    serverErrorPercent: 2
  }
}

output HUB_RESOURCE_GROUP string = group.name
output HUB_FUNCTION_APP string = functions.outputs.name
output HUB_BASE_URL string = functions.outputs.baseUrl
// What the hooks and ./dev source add --target azure work with, as the operator.
output HUB_APP_PRINCIPAL_ID string = identity.outputs.principalId
output HUB_POSTGRES_HOST string = stores.outputs.postgresHost
output HUB_POSTGRES_DATABASE string = databaseName
output HUB_BLOB_SERVICE_URI string = stores.outputs.blobServiceUri
output HUB_QUEUE_SERVICE_URI string = stores.outputs.queueServiceUri
output HUB_COSMOS_ENDPOINT string = stores.outputs.cosmosEndpoint
output HUB_KEY_URI string = stores.outputs.keyUri
// The hook deploys nothing while they do not fit.
output HUB_CONNECTIONS_NEEDED int = connectionsNeeded
output HUB_CONNECTIONS_ALLOWED int = connectionsAllowed
output HUB_CONNECTIONS_FIT bool = connectionsFit
